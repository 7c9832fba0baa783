/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading JSON by the rules of Go's encoding/json, on which CNI configurations rely: keys match
 * without regard to case, the last of several equal keys counts, null is the default, unknown keys
 * are ignored, an integer is written as one. Two things differ: a null counts as the last of several
 * too, and of spellings that differ in case the one counts that first appears last. Pure.
 */
#ifndef CNI_GOJSON_H
#define CNI_GOJSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "fault.h"

/* An object and its place in the document, for messages. Values read from it are borrowed. */
struct gojson {
	json_t *object; /* NULL: absent, every key reads as its default */
	struct cni_fault *fault;
	char where[96]; /* "", "ipam.", "ipam.ranges[0][1]." */
};

/* One JSON object and nothing after it; depth is bounded by jansson (2048). *ret: json_decref(). */
int gojson_parse(const char *data, size_t len, json_t **ret, struct cni_fault *fault);

/* The value of key, or NULL if absent or null. */
json_t *gojson_get(const struct gojson *in, const char *key);

/*
 * Each returns 1 if the key is there, 0 (*ret untouched) if absent or null, -EINVAL with the fault
 * recorded if it is of another type.
 */
int gojson_string(const struct gojson *in, const char *key, const char **ret);
int gojson_bool(const struct gojson *in, const char *key, bool *ret);
int gojson_int(const struct gojson *in, const char *key, json_int_t *ret);
int gojson_array(const struct gojson *in, const char *key, json_t **ret);
/* An absent object is one without keys: ret->object is NULL. */
int gojson_object(const struct gojson *in, const char *key, struct gojson *ret);
/* Element i of the array found under key, which must be an object. */
int gojson_element(const struct gojson *in, const char *key, json_t *array, size_t i,
		   struct gojson *ret);

/* The fault of a value of the wrong type: key and both types named. */
int gojson_type(const struct gojson *in, const char *key, const char *wanted, const json_t *value);
/* Refuses the keys that netd knows and does not serve, where they ask for something. */
int gojson_refuse(const struct gojson *in, const char *const keys[], size_t n);
/* Checks that every element of the array under key is a string. */
int gojson_strings(const struct gojson *in, const char *key, json_t **ret);

#endif
