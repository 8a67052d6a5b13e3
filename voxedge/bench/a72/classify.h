/* Which kind of work an A64 instruction is, by its encoding (Arm ARM, DDI 0487, chapter C4).
 *
 * The kinds are those that the pipes of a Cortex-A72 tell apart; voxedge/bench/a72/ports.py says
 * what each costs. The first row that fits wins, so special rows stand before general ones.
 */
#ifndef VOXEDGE_CLASSIFY_H
#define VOXEDGE_CLASSIFY_H

#include <stdint.h>

#define CLASSES(X)                                                                              \
    X(branch) X(alu) X(multiply) X(load) X(store) X(load_d) X(load_q) X(load_qq) X(store_d)     \
    X(store_q) X(store_qq) X(fma_q) X(fma_d) X(fp_q) X(fp_d) X(fp_divide) X(int_mul_long)       \
    X(int_mul_q) X(int_mul_d) X(dot) X(sadalp) X(shift) X(simd) X(other)

enum work {
#define ENUM(name) W_##name,
    CLASSES(ENUM)
#undef ENUM
    WORK_COUNT
};

static const char *const work_names[] = {
#define NAME(name) #name,
    CLASSES(NAME)
#undef NAME
};

/* FIT: the row names a class; Q_OR_D: the class or the next one, by the bit Q (30). */
enum how { FIT, Q_OR_D };

struct row {
    uint32_t mask, value;
    uint8_t work, how;
};

static const struct row rows[] = {
    /* Scalar and vector fused multiply-add: FMADD..., FMLA/FMLS vector, by element. */
    {0xFF000000, 0x1F000000, W_fma_d, FIT},
    {0xBF20FC00, 0x0E20CC00, W_fma_q, Q_OR_D},
    {0xBF00B400, 0x0F001000, W_fma_q, Q_OR_D},
    /* SDOT, UDOT: vector, by element. */
    {0x9F20FC00, 0x0E009400, W_dot, FIT},
    {0x9F00F400, 0x0F00E000, W_dot, FIT},
    /* Integer multiplies into twice the width: SMULL, SMLAL, SMLSL and U..., SQDM...; by element. */
    {0x9F208C00, 0x0E208000, W_int_mul_long, FIT},
    {0x9F00A400, 0x0F002000, W_int_mul_long, FIT},
    {0x9F00E400, 0x0F00A000, W_int_mul_long, FIT},
    /* Integer multiplies of one width: MUL, PMUL, MLA, MLS, SQDMULH; by element. */
    {0x9F20FC00, 0x0E209400, W_int_mul_q, Q_OR_D},
    {0x9F20FC00, 0x0E209C00, W_int_mul_q, Q_OR_D},
    {0x9F20FC00, 0x0E20B400, W_int_mul_q, Q_OR_D},
    {0xBF00F400, 0x0F008000, W_int_mul_q, Q_OR_D},
    {0xBF00B400, 0x2F000000, W_int_mul_q, Q_OR_D},
    {0x9F00E400, 0x0F00C000, W_int_mul_q, Q_OR_D},
    /* FMUL, FMULX by element. */
    {0x9F00F400, 0x0F009000, W_fp_q, Q_OR_D},
    /* Pairwise add and accumulate long: SADALP, UADALP. */
    {0x9F3FFC00, 0x0E206800, W_sadalp, FIT},
    /* Division and square root, vector then scalar. */
    {0xBFA0FC00, 0x2E20FC00, W_fp_divide, FIT},
    {0xBFBFFC00, 0x2EA1F800, W_fp_divide, FIT},
    {0xFF20FC00, 0x1E201800, W_fp_divide, FIT},
    {0xFF3FFC00, 0x1E21C000, W_fp_divide, FIT},
    /* Shifts: modified immediates (MOVI) first, fixed-point conversions, then every other one
     * by immediate; by register (SSHL and its kin); absolute difference and accumulate. */
    {0x9FF80400, 0x0F000400, W_simd, FIT},
    {0x9F80FC00, 0x0F00E400, W_fp_q, Q_OR_D},
    {0x9F80FC00, 0x0F00FC00, W_fp_q, Q_OR_D},
    {0x9F800400, 0x0F000400, W_shift, FIT},
    {0x9F20E400, 0x0E204400, W_shift, FIT},
    {0x9F20FC00, 0x0E207C00, W_shift, FIT},
    /* Narrowing: XTN is simple, the saturating ones and SHLL run where shifts do. */
    {0xBF3FFC00, 0x0E212800, W_simd, FIT},
    {0xBF3FFC00, 0x2E212800, W_shift, FIT},
    {0x9F3FFC00, 0x0E213800, W_shift, FIT},
    {0x9F3FFC00, 0x0E214800, W_shift, FIT},
    /* Floating point on vectors: three same (opcode 11xxx), then two registers: comparison with
     * zero, FABS, FNEG (opcode 011xx) and rounding, conversion, estimates (opcode 1xxxx). */
    {0x9F20C400, 0x0E20C400, W_fp_q, Q_OR_D},
    {0x9FBFCC00, 0x0EA0C800, W_fp_q, Q_OR_D},
    {0x9F3F0C00, 0x0E210800, W_fp_q, Q_OR_D},
    /* Scalar floating point: one and two sources, compare, select, immediate, conversions. */
    {0x5F200000, 0x1E200000, W_fp_d, FIT},
    {0x5F200000, 0x1E000000, W_fp_d, FIT},
};

static int load_or_store(uint32_t word)
{
    unsigned group = (word >> 27) & 7, vector = (word >> 26) & 1;
    unsigned load, wide = 0, pair = 0;

    if (!vector) {
        if (group == 7) /* one register: opc 00 is the only store */
            return ((word >> 22) & 3) ? W_load : W_store;
        if (group == 3) /* literal */
            return W_load;
        return ((word >> 22) & 1) ? W_load : W_store; /* pair, exclusive, ordered */
    }
    switch (group) {
    case 7: /* one register: opc bit 1 makes it 128 bits wide, bit 0 a load */
        load = (word >> 22) & 1;
        wide = (word >> 23) & 1;
        break;
    case 3:
        load = 1;
        wide = (word >> 30) == 2;
        break;
    case 5:
        load = (word >> 22) & 1;
        wide = pair = (word >> 30) == 2;
        break;
    default: { /* structures: LD1..LD4, ST1..ST4; more than one register counts as a pair */
        unsigned opcode = (word >> 12) & 15, single = (word >> 24) & 1;
        load = (word >> 22) & 1;
        wide = (word >> 30) & 1;
        pair = wide && !single && opcode != 7;
        if (single)
            wide = 0;
    }
    }
    if (load)
        return pair ? W_load_qq : wide ? W_load_q : W_load_d;
    return pair ? W_store_qq : wide ? W_store_q : W_store_d;
}

static int classify(uint32_t word)
{
    unsigned op0 = (word >> 25) & 15;

    if ((op0 & 5) == 4)
        return load_or_store(word);
    if ((op0 & 14) == 10)
        return W_branch;
    if ((op0 & 14) == 8)
        return W_alu;
    if ((op0 & 7) == 5) /* register: three sources (MADD, SMULH), UDIV and SDIV go to pipe M */
        return (word & 0x1F000000) == 0x1B000000 || (word & 0x7FE0F800) == 0x1AC00800
                   ? W_multiply
                   : W_alu;
    if ((op0 & 7) == 7) {
        for (unsigned n = 0; n < sizeof rows / sizeof *rows; n++)
            if ((word & rows[n].mask) == rows[n].value)
                return rows[n].work + (rows[n].how == Q_OR_D && !((word >> 30) & 1));
        return W_simd;
    }
    return W_other;
}

#endif
