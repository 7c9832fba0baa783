// SPDX-License-Identifier: GPL-2.0-or-later
/* netd run: the parent; run.h shows how the three processes play together. */
#include "run.h"

#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#include "cli.h"
#include "text.h"
#include "util.h"

struct run_options {
	struct cli_request request;
	char name[32]; /* the default id */
	char netns[64];
	char *const *argv;
	bool verbose;
};

enum { RUN_NETWORK = OPT_FIRST, RUN_NAME, RUN_IP };

static const struct option run_longs[] = {
	{ "publish", required_argument, NULL, 'p' },
	{ "network", required_argument, NULL, RUN_NETWORK },
	{ "name", required_argument, NULL, RUN_NAME },
	{ "ip", required_argument, NULL, RUN_IP },
	{ "verbose", no_argument, NULL, 'v' },
	OPTIONS_COMMON,
};

static int run_option(const struct command *cmd, struct run_options *o, int c)
{
	struct netd_attach_request *req = &o->request.req;

	switch (c) {
	case 'p':
		return cli_request_port(&o->request, cmd, optarg);
	case RUN_NETWORK:
		return cli_once(cmd, &req->network, "network", optarg);
	case RUN_NAME:
		return cli_once(cmd, &req->id, "name", optarg);
	case RUN_IP:
		return cli_request_ip(&o->request, optarg);
	case 'v':
		o->verbose = true;
		break;
	}
	return CLI_DONE;
}

static int run_parse(const struct command *cmd, int argc, char **argv, struct run_options *o,
		     int *ret_status)
{
	int c;

	while ((c = cli_option(cmd, argc, argv, "+:hvp:", run_longs, ret_status)) != OPT_END) {
		if (c != OPT_STOP)
			*ret_status = run_option(cmd, o, c);
		if (c == OPT_STOP || *ret_status != CLI_DONE)
			return OPT_STOP;
	}
	*ret_status = cli_operands(cmd, argc, 1, argc, "the command to run");
	if (*ret_status != CLI_DONE)
		return OPT_STOP;
	o->argv = argv + optind;
	if (!o->request.req.id) {
		snprintf(o->name, sizeof(o->name), "run-%d", (int)getpid());
		o->request.req.id = o->name;
	}
	return 0;
}

/*
 * Blocks what is passed on, and SIGCHLD, to be taken by sigwaitinfo(). Not faults, and not the stop
 * signals: the terminal sends those to the command as well, and the shell must see us stopped.
 */
static void block_signals(sigset_t *ret_wait, sigset_t *ret_old)
{
	static const int passed[] = { SIGHUP,  SIGINT,	SIGQUIT, SIGTERM, SIGUSR1,
				      SIGUSR2, SIGALRM, SIGPIPE, SIGCONT, SIGWINCH };

	sigemptyset(ret_wait);
	sigaddset(ret_wait, SIGCHLD);
	for (size_t i = 0; i < ARRAY_SIZE(passed); i++)
		sigaddset(ret_wait, passed[i]);
	for (int sig = SIGRTMIN; sig <= SIGRTMAX; sig++)
		sigaddset(ret_wait, sig);
	sigprocmask(SIG_BLOCK, ret_wait, ret_old);
	signal(SIGCHLD,
	       SIG_DFL); /* ignored, as it may be inherited, no child could be waited for */
}

/* Waits for the child's end and returns it as an exit status. */
static int reap(pid_t pid, int flags, int *ret_status)
{
	int status;

	if (waitpid(pid, &status, flags) != pid)
		return -EAGAIN;
	*ret_status = WIFSIGNALED(status) ? CLI_SIGNALLED + WTERMSIG(status) : WEXITSTATUS(status);
	return 0;
}

/*
 * The terminal's signals have reached the command already, being in our process group; those that
 * a process sent (si_code SI_USER and below) were for it too but came to us alone.
 */
static int wait_command(const struct run_child *child, const sigset_t *set)
{
	siginfo_t info;
	int sig, status = CLI_FAILED;

	while (reap(child->pid, WNOHANG, &status) < 0) {
		sig = sigwaitinfo(set, &info);
		if (sig > 0 && sig != SIGCHLD && info.si_code <= 0)
			pidfd_send_signal(child->pidfd, sig, NULL, 0);
	}
	return status;
}

static void print_summary(const struct netd_attachment *att)
{
	_cleanup_buf_ struct buf out = { 0 };

	buf_printf(&out, "netd: %s: ", att->id);
	text_addresses(att, &out);
	buf_printf(&out, "%son network %s", att->n_addresses ? " " : "", att->network);
	if (att->n_ports) {
		buf_printf(&out, ", ");
		text_ports(att, &out);
	}
	if (!out.failed)
		cli_line("%s", out.data);
}

static int attach(struct run_options *o, struct netd *netd, struct netd_error *err)
{
	struct netd_attachment *att;
	int r;

	r = cli_request_network(&o->request, netd, err);
	if (r >= 0)
		r = netd_attach(netd, &o->request.req, &att, err);
	if (r < 0)
		return r;
	if (o->verbose)
		print_summary(att);
	netd_attachment_free(att);
	return 0;
}

/* The child has its namespaces and the guard stands: attach, run, detach. */
static int run_attached(struct run_options *o, struct run_child *child, const struct run_key *key,
			const sigset_t *set)
{
	_cleanup_(front_close) struct netd *netd = NULL;
	struct netd_error err = NETD_ERROR_INIT;
	int r, status = CLI_FAILED;

	r = front_open_pools(&netd, &err);
	if (r >= 0)
		r = attach(o, netd, &err);
	if (r < 0) {
		pidfd_send_signal(child->pidfd, SIGKILL, NULL, 0);
		reap(child->pid, 0, &status);
		return cli_request_error(&o->request, &err, false);
	}
	run_child_go(child);
	status = wait_command(child, set);
	if (run_detach(netd, key, true, &err) < 0) {
		cli_error(key->id, &err, false);
		return status == CLI_DONE ? CLI_FAILED : status;
	}
	return status;
}

static int run_guarded(struct run_options *o, struct run_child *child, const sigset_t *set)
{
	struct netd_attach_request *req = &o->request.req;
	struct netd_error err = NETD_ERROR_INIT;
	struct run_guard guard;
	struct run_key key;
	int status = CLI_FAILED;

	snprintf(o->netns, sizeof(o->netns), "/proc/%d/ns/net", (int)child->pid);
	req->netns = o->netns;
	req->ifname = RUN_IFNAME;
	if (!req->network)
		req->network = NETD_DEFAULT_NETWORK;
	key = (struct run_key){ .network = req->network, .id = req->id, .netns = o->netns };
	if (!run_child_wait_ready(child)) {
		reap(child->pid, 0, &status);
		return status;
	}
	if (run_guard_start(child, &key, &guard, &err) < 0) {
		pidfd_send_signal(child->pidfd, SIGKILL, NULL, 0);
		reap(child->pid, 0, &status);
		return cli_error(req->id, &err, false);
	}
	status = run_attached(o, child, &key, set);
	run_guard_done(&guard);
	return status;
}

static int run(struct run_options *o)
{
	struct netd_error err = NETD_ERROR_INIT;
	struct run_child child;
	sigset_t set, old;
	int status;

	block_signals(&set, &old);
	if (run_child_start(o->argv, &old, &child, &err) < 0)
		return cli_error(o->request.req.id, &err, false);
	status = run_guarded(o, &child, &set);
	close(child.sock);
	close(child.pidfd);
	return status;
}

int cmd_run(const struct command *cmd, int argc, char **argv)
{
	struct run_options o = { .request = CLI_REQUEST_INIT };
	int status;

	if (run_parse(cmd, argc, argv, &o, &status) != OPT_STOP)
		status = run(&o);
	cli_request_free(&o.request);
	return status;
}
