/*
 * oracle answers what libseccomp would make of a profile.
 *
 *   cc -O2 -o oracle oracle.c -lseccomp
 *   go run questions.go | ./oracle | grep -v '^[PR]' | gzip -9n > vectors.txt.gz
 *
 * It copies its input to its output, and does what these lines say:
 *
 *   T arch                             print the table: "t number name" for each
 *   P action arch...                   begin a filter; archs in libseccomp's tokens
 *   R action name n [arg op a b]...    a rule with n conditions; op as in enum scmp_compare
 *   V arch number a0 ... a5            append the filter's answer for this call
 *
 * All numbers are hexadecimal; an action's is the same for the kernel and for
 * libseccomp. The filter is exported and run here, by an
 * interpreter that shares nothing with the one in Go.
 */
#include <errno.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/seccomp.h>

static struct sock_filter prog[65536];
static int len;

static void die(const char *what, int rc)
{
	fprintf(stderr, "oracle: %s: %s\n", what, strerror(-rc));
	exit(1);
}

static void export(scmp_filter_ctx ctx)
{
	FILE *f = tmpfile();
	int rc = seccomp_export_bpf(ctx, fileno(f));
	if (rc < 0)
		die("export", rc);
	rewind(f);
	len = fread(prog, sizeof *prog, 65536, f);
	fclose(f);
}

static unsigned run(struct seccomp_data *d)
{
	unsigned a = 0;
	for (int pc = 0; pc < len; pc++) {
		struct sock_filter *i = &prog[pc];
		int yes;
		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS: memcpy(&a, (char *)d + i->k, 4); continue;
		case BPF_ALU | BPF_AND | BPF_K: a &= i->k; continue;
		case BPF_RET | BPF_K: return i->k;
		case BPF_JMP | BPF_JA: pc += i->k; continue;
		case BPF_JMP | BPF_JEQ | BPF_K: yes = a == i->k; break;
		case BPF_JMP | BPF_JGT | BPF_K: yes = a > i->k; break;
		case BPF_JMP | BPF_JGE | BPF_K: yes = a >= i->k; break;
		default: die("unknown instruction", -ENOSYS); return 0;
		}
		pc += yes ? i->jt : i->jf;
	}
	die("the filter has no end", -EINVAL);
	return 0;
}

static scmp_filter_ctx begin(char *p)
{
	unsigned byDefault = strtoul(p, &p, 16);
	scmp_filter_ctx ctx = seccomp_init(byDefault);
	seccomp_arch_remove(ctx, SCMP_ARCH_NATIVE);
	for (unsigned arch; (arch = strtoul(p, &p, 16));)
		seccomp_arch_add(ctx, arch);
	return ctx;
}

static void rule(scmp_filter_ctx ctx, char *line)
{
	char name[64];
	unsigned act, n;
	int used;
	sscanf(line, "%x %63s %x%n", &act, name, &n, &used);
	struct scmp_arg_cmp cmp[6];
	char *p = line + used;
	for (unsigned i = 0; i < n; i++) {
		cmp[i].arg = strtoul(p, &p, 16);
		cmp[i].op = strtoul(p, &p, 16);
		cmp[i].datum_a = strtoull(p, &p, 16);
		cmp[i].datum_b = strtoull(p, &p, 16);
	}
	int nr = seccomp_syscall_resolve_name(name);
	if (nr == __NR_SCMP_ERROR)
		return; /* as runc: a name that it doesn't know is left out */
	int rc = seccomp_rule_add_array(ctx, act, nr, n, cmp);
	if (rc < 0)
		die(line, rc);
}

int main(void)
{
	static char line[1 << 20];
	scmp_filter_ctx ctx = NULL;
	int ready = 0;
	while (fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\n")] = 0;
		printf("%s", line);
		char *p = line + 2;
		if (line[0] == 'T') {
			unsigned arch = strtoul(p, NULL, 16);
			for (int nr = 0; nr < 0xf0010; nr = nr == 1000 ? 0xf0000 : nr + 1) {
				char *name = seccomp_syscall_resolve_num_arch(arch, nr);
				if (name)
					printf("\nt %x %s", nr, name);
				free(name);
			}
		} else if (line[0] == 'P') {
			if (ctx)
				seccomp_release(ctx);
			ctx = begin(p);
			ready = 0;
		} else if (line[0] == 'R') {
			rule(ctx, p);
		} else if (line[0] == 'V') {
			struct seccomp_data d = {0};
			if (!ready++)
				export(ctx);
			d.arch = strtoul(p, &p, 16);
			d.nr = strtoul(p, &p, 16);
			for (int i = 0; i < 6; i++)
				d.args[i] = strtoull(p, &p, 16);
			printf(" %x", run(&d));
		}
		printf("\n");
	}
	return 0;
}
