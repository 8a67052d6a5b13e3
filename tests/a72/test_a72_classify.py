"""The plugin's table of encodings against words that an assembler made (GNU binutils 2.40)."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from voxedge.bench.a72 import ports

SOURCE = Path(ports.__file__).with_name("classify.h")

WORDS = """
branch         14000000 b 0 <.text>
branch         d65f03c0 ret
branch         94000000 bl 8 <.text+0x8>
branch         d4000001 svc #0x0
alu            8b020020 add x0, x1, x2
alu            91001020 add x0, x1, #0x4
multiply       9b027c20 mul x0, x1, x2
multiply       1b020c20 madd w0, w1, w2, w3
multiply       9ac20820 udiv x0, x1, x2
alu            9ac22020 lsl x0, x1, x2
load           f9400020 ldr x0, [x1]
load           38626820 ldrb w0, [x1, x2]
load           a9400440 ldp x0, x1, [x2]
load           b9800020 ldrsw x0, [x1]
load           c8dffc20 ldar x0, [x1]
store          f9000020 str x0, [x1]
store          a9bf7bfd stp x29, x30, [sp, #-16]!
store          c89ffc20 stlr x0, [x1]
load_d         bd400020 ldr s0, [x1]
load_d         fd400020 ldr d0, [x1]
load_q         3dc00020 ldr q0, [x1]
load_q         3cc10420 ldr q0, [x1], #16
load_q         3ce26820 ldr q0, [x1, x2]
load_qq        ad400420 ldp q0, q1, [x1]
load_d         6d400420 ldp d0, d1, [x1]
load_q         4c407820 ld1 {v0.4s}, [x1]
load_qq        4c402820 ld1 {v0.4s-v3.4s}, [x1]
load_d         4d40c820 ld1r {v0.4s}, [x1]
store_q        3d800020 str q0, [x1]
store_d        bd000020 str s0, [x1]
store_qq       ad000420 stp q0, q1, [x1]
store_q        4c007820 st1 {v0.4s}, [x1]
fma_d          1f020c20 fmadd s0, s1, s2, s3
fma_q          4e22cc20 fmla v0.4s, v1.4s, v2.4s
fma_q          4fa21020 fmla v0.4s, v1.4s, v2.s[1]
fma_q          4fa25020 fmls v0.4s, v1.4s, v2.s[1]
fma_d          0e22cc20 fmla v0.2s, v1.2s, v2.2s
fma_q          4fc21820 fmla v0.2d, v1.2d, v2.d[1]
fp_q           6e22dc20 fmul v0.4s, v1.4s, v2.4s
fp_q           4fa29820 fmul v0.4s, v1.4s, v2.s[3]
fp_q           4e22d420 fadd v0.4s, v1.4s, v2.4s
fp_q           4e22f420 fmax v0.4s, v1.4s, v2.4s
fp_d           0e22d420 fadd v0.2s, v1.2s, v2.2s
fp_q           6ea0f820 fneg v0.4s, v1.4s
fp_q           4ea0c820 fcmgt v0.4s, v1.4s, #0.0
fp_q           6ea2e420 fcmgt v0.4s, v1.4s, v2.4s
fp_q           4e21d820 scvtf v0.4s, v1.4s
fp_q           4e21a820 fcvtns v0.4s, v1.4s
fp_q           4e218820 frintn v0.4s, v1.4s
fp_d           1e222820 fadd s0, s1, s2
fp_d           1e212000 fcmp s0, s1
fp_d           9e380020 fcvtzs x0, s1
fp_d           1e260000 fmov w0, s0
fp_divide      6e22fc20 fdiv v0.4s, v1.4s, v2.4s
fp_divide      1e221820 fdiv s0, s1, s2
fp_divide      6ea1f820 fsqrt v0.4s, v1.4s
fp_divide      1e21c020 fsqrt s0, s1
int_mul_long   0e22c020 smull v0.8h, v1.8b, v2.8b
int_mul_long   0e228020 smlal v0.8h, v1.8b, v2.8b
int_mul_long   4e228020 smlal2 v0.8h, v1.16b, v2.16b
int_mul_long   2e22c020 umull v0.8h, v1.8b, v2.8b
int_mul_long   2f522020 umlal v0.4s, v1.4h, v2.h[1]
int_mul_long   4f722820 smlal2 v0.4s, v1.8h, v2.h[7]
int_mul_long   0f52a020 smull v0.4s, v1.4h, v2.h[1]
int_mul_long   0f526020 smlsl v0.4s, v1.4h, v2.h[1]
int_mul_long   0f52b020 sqdmull v0.4s, v1.4h, v2.h[1]
int_mul_q      4ea29c20 mul v0.4s, v1.4s, v2.4s
int_mul_d      0e629c20 mul v0.4h, v1.4h, v2.4h
int_mul_q      6fa20020 mla v0.4s, v1.4s, v2.s[1]
int_mul_q      6e629420 mls v0.8h, v1.8h, v2.8h
int_mul_q      6ea2b420 sqrdmulh v0.4s, v1.4s, v2.4s
int_mul_q      4fa2d020 sqrdmulh v0.4s, v1.4s, v2.s[1]
sadalp         4e606820 sadalp v0.4s, v1.8h
sadalp         6e606820 uadalp v0.4s, v1.8h
shift          0f08a420 sxtl v0.8h, v1.8b
shift          6f3d0420 ushr v0.4s, v1.4s, #3
shift          4ea24420 sshl v0.4s, v1.4s, v2.4s
shift          4ea25420 srshl v0.4s, v1.4s, v2.4s
shift          0e614820 sqxtn v0.4h, v1.4s
shift          2e212820 sqxtun v0.8b, v1.8h
simd           0e612820 xtn v0.4h, v1.4s
simd           4f000400 movi v0.4s, #0x0
simd           4ea28420 add v0.4s, v1.4s, v2.4s
simd           6e221c20 eor v0.16b, v1.16b, v2.16b
simd           4e040c20 dup v0.4s, w1
simd           4e0c0420 dup v0.4s, v1.s[1]
simd           4e823820 zip1 v0.4s, v1.4s, v2.4s
simd           6e022020 ext v0.16b, v1.16b, v2.16b, #4
simd           4ea09820 cmeq v0.4s, v1.4s, #0
simd           4ea2bc20 addp v0.4s, v1.4s, v2.4s
simd           4e602820 saddlp v0.4s, v1.8h
simd           4eb1b820 addv s0, v1.4s
simd           4ea26420 smax v0.4s, v1.4s, v2.4s
dot            4e829420 sdot v0.4s, v1.16b, v2.16b
dot            4fa2e020 sdot v0.4s, v1.16b, v2.4b[1]
"""


def rows():
    for line in WORDS.strip().splitlines():
        kind, word, instruction = line.split(maxsplit=2)
        yield pytest.param(kind, int(word, 16), id=instruction)


@pytest.fixture(scope="module")
def classify(tmp_path_factory):
    if shutil.which("gcc") is None:
        pytest.skip("no gcc to compile the table with")
    folder = tmp_path_factory.mktemp("classify")
    source = folder / "lib.c"
    source.write_text(
        f'#include "{SOURCE}"\n'
        "int kind_of(uint32_t word) { return classify(word); }\n"
        "const char *name_of(int kind) { return kind < WORK_COUNT ? work_names[kind] : 0; }\n"
    )
    library = folder / "lib.so"
    subprocess.run(
        ["gcc", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-o", library, source],
        check=True,
    )
    loaded = ctypes.CDLL(str(library))
    loaded.kind_of.argtypes = [ctypes.c_uint32]
    loaded.name_of.restype = ctypes.c_char_p
    return lambda word: loaded.name_of(loaded.kind_of(word)).decode()


@pytest.mark.parametrize(("kind", "word"), list(rows()))
def test_an_instruction_is_of_its_kind(classify, kind, word):
    assert classify(word) == kind


def test_every_word_is_of_some_kind(classify):
    # A stride that is no power of two walks through all fields of the encoding.
    assert {classify(word) for word in range(0, 2**32, 2_000_003)} <= set(ports.COSTS)


def test_the_model_knows_exactly_the_kinds_of_the_plugin():
    names = re.findall(r"X\((\w+)\)", SOURCE.read_text().split("enum work")[0])
    assert sorted(names) == sorted(ports.COSTS)
    assert sorted(names) == sorted(kind for kinds in ports.GROUPS.values() for kind in kinds)
