/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The CNI plugin: one operation per process. */
#ifndef CNI_PLUGIN_H
#define CNI_PLUGIN_H

/* Parameters from the environment and stdin, result or error on stdout; returns the exit status. */
int plugin_run(void);

#endif
