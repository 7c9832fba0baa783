/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs the programs that tests take as oracles; cmocka.h comes first. */
#ifndef RUN_COMMAND_H
#define RUN_COMMAND_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Runs a shell command, text on its stdin, which must succeed; what it wrote, for free(3). */
static inline char *run(const char *command, const char *text)
{
	char path[] = "/tmp/netd_test.XXXXXX", *line;
	int fd = mkstemp(path);
	char *out = NULL;
	size_t len = 0;
	FILE *pipe;
	int r;

	assert_true(fd >= 0);
	assert_true(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	assert_true(asprintf(&line, "{ %s; } < %s 2>&1", command, path) > 0);
	pipe = popen(line, "re");
	assert_non_null(pipe);
	if (getdelim(&out, &len, '\0', pipe) < 0) {
		free(out);
		out = strdup("");
	}
	r = pclose(pipe);
	unlink(path);
	if (r != 0)
		fail_msg("%s: %s", command, out);
	free(line);
	return out;
}

static inline void run_ok(const char *command)
{
	free(run(command, ""));
}

#endif
