// SPDX-License-Identifier: GPL-2.0-or-later
#include "gojson.h"

#include <stdio.h>
#include <strings.h>

#include "util.h"

#define DECODE "error unmarshall network config: "

int gojson_parse(const char *data, size_t len, json_t **ret, struct cni_fault *fault)
{
	json_error_t error;
	json_t *root;

	if (!len)
		return fault_set(fault, CNI_E_DECODE, NULL, DECODE "unexpected end of JSON input");
	root = json_loadb(data, len, 0, &error);
	if (!root)
		return fault_set(fault, CNI_E_DECODE, NULL, DECODE "%s (line %d, column %d)",
				 error.text, error.line, error.column);
	if (!json_is_object(root)) {
		json_decref(root);
		return fault_set(fault, CNI_E_DECODE, NULL,
				 DECODE "must be an object, not an array");
	}
	*ret = root;
	return 0;
}

json_t *gojson_get(const struct gojson *in, const char *key)
{
	json_t *found = NULL;
	json_t *value;
	const char *name;

	json_object_foreach(in->object, name, value) if (strcasecmp(name, key) == 0) found = value;
	return json_is_null(found) ? NULL : found;
}

static const char *type_name(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "an integer";
	case JSON_REAL:
		return "a number with fraction or exponent";
	case JSON_TRUE:
	case JSON_FALSE:
		return "a boolean";
	case JSON_NULL:
		return "null";
	}
	return "of unknown type";
}

int gojson_type(const struct gojson *in, const char *key, const char *wanted, const json_t *value)
{
	return fault_set(in->fault, CNI_E_DECODE, NULL, DECODE "\"%s%s\" must be %s, not %s",
			 in->where, key, wanted, type_name(value));
}

/* Does the value ask for something, by Go's notion of a zero value? */
static bool is_set(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return json_object_size(value) > 0;
	case JSON_ARRAY:
		return json_array_size(value) > 0;
	case JSON_STRING:
		return json_string_length(value) > 0;
	case JSON_INTEGER:
		return json_integer_value(value) != 0;
	case JSON_REAL:
	case JSON_TRUE:
		return true;
	case JSON_FALSE:
	case JSON_NULL:
		return false;
	}
	return true;
}

int gojson_refuse(const struct gojson *in, const char *const keys[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const json_t *value = gojson_get(in, keys[i]);
		_cleanup_free_ char *text = NULL;

		if (!value || !is_set(value))
			continue;
		text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
		return fault_set(
			in->fault, CNI_E_UNSUPPORTED,
			"netd does not do this; remove the key, or use the reference plugin",
			"unsupported field: \"%s%s\": %.256s", in->where, keys[i],
			text ? text : "");
	}
	return 0;
}

int gojson_string(const struct gojson *in, const char *key, const char **ret)
{
	json_t *value = gojson_get(in, key);

	if (!value)
		return 0;
	if (!json_is_string(value))
		return gojson_type(in, key, "a string", value);
	*ret = json_string_value(value);
	return 1;
}

int gojson_bool(const struct gojson *in, const char *key, bool *ret)
{
	json_t *value = gojson_get(in, key);

	if (!value)
		return 0;
	if (!json_is_boolean(value))
		return gojson_type(in, key, "a boolean", value);
	*ret = json_is_true(value);
	return 1;
}

int gojson_int(const struct gojson *in, const char *key, json_int_t *ret)
{
	json_t *value = gojson_get(in, key);

	if (!value)
		return 0;
	if (!json_is_integer(value))
		return gojson_type(in, key, "an integer", value);
	*ret = json_integer_value(value);
	return 1;
}

int gojson_array(const struct gojson *in, const char *key, json_t **ret)
{
	json_t *value = gojson_get(in, key);

	if (!value)
		return 0;
	if (!json_is_array(value))
		return gojson_type(in, key, "an array", value);
	*ret = value;
	return 1;
}

/* The place of what lies below key; a very deep one loses its beginning. */
static void descend(const struct gojson *in, const char *key, struct gojson *ret)
{
	if (snprintf(ret->where, sizeof(ret->where), "%s%s.", in->where, key) >=
	    (int)sizeof(ret->where))
		str_copy(ret->where, sizeof(ret->where), "...");
	ret->fault = in->fault;
}

int gojson_object(const struct gojson *in, const char *key, struct gojson *ret)
{
	json_t *value = gojson_get(in, key);

	if (value && !json_is_object(value))
		return gojson_type(in, key, "an object", value);
	ret->object = value;
	descend(in, key, ret);
	return value != NULL;
}

int gojson_element(const struct gojson *in, const char *key, json_t *array, size_t i,
		   struct gojson *ret)
{
	json_t *value = json_array_get(array, i);
	char name[64];

	snprintf(name, sizeof(name), "%s[%zu]", key, i);
	if (!json_is_object(value))
		return gojson_type(in, name, "an object", value);
	ret->object = value;
	descend(in, name, ret);
	return 1;
}

int gojson_strings(const struct gojson *in, const char *key, json_t **ret)
{
	json_t *array = NULL;
	json_t *value;
	char name[64];
	size_t i;
	int r = gojson_array(in, key, &array);

	if (r <= 0)
		return r;
	json_array_foreach(array, i, value)
	{
		snprintf(name, sizeof(name), "%s[%zu]", key, i);
		if (!json_is_string(value))
			return gojson_type(in, name, "a string", value);
	}
	*ret = array;
	return 1;
}
