/* A QEMU plugin (API version 1) that counts a guest's A64 instructions by kind of work.
 *
 * Each getppid() of the guest writes one line with all counters so far to the file given as
 * "out=FILE"; the guest makes that call at the borders of what it wants measured. Counters are
 * added to inline and not atomically: exact for a guest whose work is on one thread.
 */
#include <stdio.h>
#include <string.h>

#include <qemu-plugin.h>

#include "classify.h"

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

enum { SYS_GETPPID = 173 }; /* asm-generic, which AArch64 Linux uses */

static uint64_t counters[WORK_COUNT];
static FILE *out;

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    uint64_t found[WORK_COUNT] = {0};
    size_t length = qemu_plugin_tb_n_insns(block);

    (void)id;
    for (size_t n = 0; n < length; n++) {
        uint32_t word;
        memcpy(&word, qemu_plugin_insn_data(qemu_plugin_tb_get_insn(block, n)), sizeof word);
        found[classify(word)]++;
    }
    for (int work = 0; work < WORK_COUNT; work++)
        if (found[work])
            qemu_plugin_register_vcpu_tb_exec_inline(block, QEMU_PLUGIN_INLINE_ADD_U64,
                                                     &counters[work], found[work]);
}

static void mark(void)
{
    for (int work = 0; work < WORK_COUNT; work++)
        fprintf(out, "%llu%c", (unsigned long long)counters[work],
                work == WORK_COUNT - 1 ? '\n' : ' ');
    fflush(out);
}

static void system_call(qemu_plugin_id_t id, unsigned int vcpu, int64_t number, uint64_t a1,
                        uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6,
                        uint64_t a7, uint64_t a8)
{
    (void)id, (void)vcpu, (void)a1, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7;
    (void)a8;
    if (number == SYS_GETPPID)
        mark();
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
                                           char **argv)
{
    (void)info;
    for (int n = 0; n < argc; n++)
        if (!strncmp(argv[n], "out=", 4))
            out = fopen(argv[n] + 4, "w");
    if (!out) {
        fprintf(stderr, "count: out=FILE is missing or cannot be written\n");
        return -1;
    }
    for (int work = 0; work < WORK_COUNT; work++)
        fprintf(out, "%s%c", work_names[work], work == WORK_COUNT - 1 ? '\n' : ' ');
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    qemu_plugin_register_vcpu_syscall_cb(id, system_call);
    return 0;
}
