/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For tests of the CNI plugin's configuration: reads one that must be accepted or refused. */
#ifndef CNI_FIXTURE_H
#define CNI_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "conf.h"
#include "util.h"

#define HEAD "\"cniVersion\":\"1.0.0\",\"name\":\"net\""
#define RANGE "\"ipam\":{\"type\":\"host-local\",\"ranges\":[[{\"subnet\":\"10.1.0.0/24\"}]]}"

static int load(const char *text, const char *cni_args, struct cni_conf *conf,
		struct cni_args *args, struct cni_fault *fault)
{
	*conf = (struct cni_conf){ 0 };
	*args = (struct cni_args){ 0 };
	*fault = (struct cni_fault){ 0 };
	if (conf_open(text, strlen(text), conf, fault) < 0 ||
	    conf_version(conf, false, fault) < 0 || args_parse(cni_args, args, fault) < 0)
		return -EINVAL;
	return conf_load(conf, args, fault);
}

struct fixture {
	struct cni_conf conf;
	struct cni_args args;
	struct cni_fault fault;
};

static void good(struct fixture *f, const char *text, const char *cni_args)
{
	if (load(text, cni_args, &f->conf, &f->args, &f->fault) < 0)
		fail_msg("%s: %s", text, f->fault.msg);
}

static void done(struct fixture *f)
{
	conf_close(&f->conf);
	args_free(&f->args);
}

static void bad(const char *text, const char *cni_args, int code, const char *msg)
{
	struct fixture f;

	if (load(text, cni_args, &f.conf, &f.args, &f.fault) >= 0)
		fail_msg("accepted: %s", text);
	if ((int)f.fault.code != code || !strstr(f.fault.msg, msg))
		fail_msg("%s: got %d %s, expected %d %s", text, (int)f.fault.code, f.fault.msg,
			 code, msg);
	done(&f);
}

#endif
