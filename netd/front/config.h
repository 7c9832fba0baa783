/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a person configures: $NETD_CONFIG_DIR/netd.json and $NETD_CONFIG_DIR/networks/NAME.json.
 *
 * Reading is strict: an unknown key, a value of another type or a name that is not the file's is an
 * error that names file and key. The meaning of the values is the library's to judge.
 */
#ifndef NETD_FRONT_CONFIG_H
#define NETD_FRONT_CONFIG_H

#include <jansson.h>
#include <netd.h>

/* The pools of netd.json; zero-initialise. pools is NULL if the file does not exist. */
struct config_pools {
	struct netd_pool *pools;
	size_t n;
	json_t *json; /* owns the strings */
};

int config_pools_load(struct config_pools *ret, struct netd_error *err);
/* The same from text; file is for messages. Pure. */
int config_pools_parse(const char *text, size_t len, const char *file, struct config_pools *ret,
		       struct netd_error *err);
void config_pools_free(struct config_pools *pools);

/* A network definition and the memory that its pointers point to. */
struct config_network {
	struct netd_network net;
	struct netd_range *ranges;
	struct netd_route *routes;
	json_t *json;
};

/* NETD_E_NOT_FOUND when there is no such file. */
int config_network_load(const char *name, struct config_network **ret, struct netd_error *err);
/* The same from text; file is for messages. Pure. */
int config_network_parse(const char *text, size_t len, const char *file, const char *name,
			 struct config_network **ret, struct netd_error *err);
void config_network_free(struct config_network *network);

/* A definition as the object that a network file holds; NULL if out of memory. Pure. */
json_t *config_network_json(const struct netd_network *network);

/*
 * Writes networks/NAME.json: whole or not at all, on disk when it returns. NETD_E_EXISTS if the file
 * exists.
 */
int config_network_save(const struct netd_network *network, struct netd_error *err);

/* True if networks/NAME.json exists. */
bool config_network_exists(const char *name);

/* Removes networks/NAME.json. Returns 1, or 0 if there is none. */
int config_network_delete(const char *name, struct netd_error *err);

/*
 * The names of the network files, sorted, as a NULL-terminated array; release with
 * config_names_free(). Files that are not NAME.json with a valid name are passed over.
 */
int config_network_names(char ***ret, struct netd_error *err);
void config_names_free(char ***names);

/* "DIR/networks/NAME.json" into path of size bytes. */
int config_network_path(const char *name, char *path, size_t size, struct netd_error *err);

#endif
