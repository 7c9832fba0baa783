// SPDX-License-Identifier: GPL-2.0-or-later
#include "dns.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "util.h"

/* glibc reads no more than a few lines of it; this is far above. */
#define RESOLV_CONF_MAX 65536

int dns_read(const struct gojson *dns, json_t **ret)
{
	static const char *const lists[] = { "nameservers", "search", "options" };
	json_t *result = json_object();
	const char *domain = "";

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		json_t *list = NULL;

		if (gojson_strings(dns, lists[i], &list) < 0)
			goto fail;
		if (json_array_size(list) > 0)
			json_object_set(result, lists[i], list);
	}
	if (gojson_string(dns, "domain", &domain) < 0)
		goto fail;
	if (domain[0])
		json_object_set_new(result, "domain", json_string(domain));
	*ret = result;
	return 0;
fail:
	json_decref(result);
	return -EINVAL;
}

/* Appends the words of rest to the list under key; only the first one unless all. */
static void add_words(json_t *dns, const char *key, char *rest, bool all)
{
	json_t *list = json_object_get(dns, key);
	char *save = NULL;

	if (!list) {
		list = json_array();
		json_object_set_new(dns, key, list);
	}
	for (char *word = strtok_r(rest, " \t\r", &save); word;
	     word = strtok_r(NULL, " \t\r", &save)) {
		json_array_append_new(list, json_string(word));
		if (!all)
			break;
	}
}

static void add_line(json_t *dns, char *line)
{
	char *save = NULL;
	char *key = strtok_r(line, " \t\r", &save);
	char *rest;

	if (!key) /* and a comment's is none of those below */
		return;
	rest = save + strspn(save, " \t\r");
	if (!*rest)
		return;
	if (strcmp(key, "nameserver") == 0)
		add_words(dns, "nameservers", rest, false);
	else if (strcmp(key, "search") == 0)
		add_words(dns, "search", rest, true);
	else if (strcmp(key, "options") == 0)
		add_words(dns, "options", rest, true);
	else if (strcmp(key, "domain") == 0)
		json_object_set_new(dns, "domain", json_string(strtok_r(rest, " \t\r", &save)));
}

json_t *dns_resolv_conf(char *text)
{
	json_t *dns = json_object();

	while (text)
		add_line(dns, strsep(&text, "\n"));
	return dns;
}

static int load_file(const char *path, json_t **ret, struct cni_fault *fault)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	_cleanup_free_ char *text = NULL;
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fault_set(fault, CNI_E_IO, NULL, "cannot read \"ipam.resolvConf\": %s: %s",
				 path, strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_size > RESOLV_CONF_MAX)
		return fault_set(
			fault, CNI_E_CONFIG, NULL,
			"invalid \"ipam.resolvConf\": %s is not a file of at most %d bytes", path,
			RESOLV_CONF_MAX);
	text = calloc(1, RESOLV_CONF_MAX + 1);
	if (!text)
		return fault_set(fault, CNI_E_RETRY, NULL, "out of memory");
	n = read(fd, text, RESOLV_CONF_MAX);
	if (n < 0)
		return fault_set(fault, CNI_E_IO, NULL, "cannot read \"ipam.resolvConf\": %s: %s",
				 path, strerror(errno));
	*ret = dns_resolv_conf(text);
	return 0;
}

int dns_load(struct cni_conf *conf)
{
	const char *path = "";
	struct gojson ipam, dns;

	if (gojson_object(&conf->top, "dns", &dns) < 0 || dns_read(&dns, &conf->dns) < 0 ||
	    gojson_object(&conf->top, "ipam", &ipam) < 0 ||
	    gojson_string(&ipam, "resolvConf", &path) < 0)
		return -EINVAL;
	if (json_object_size(conf->dns) > 0 || !path[0] ||
	    (conf->network.flags & NETD_NETWORK_NO_ADDRESS))
		return 0;
	json_decref(conf->dns);
	conf->dns = NULL;
	return load_file(path, &conf->dns, conf->top.fault);
}
