"""What each kind of instruction costs the pipes of a Cortex-A72.

Sources: [G] Arm, Cortex-A72 Software Optimization Guide (UAN 0016A): the pipes, what runs in which,
dispatch of three µops a cycle; [O] OSACA's model of the Raspberry Pi 4 (osaca/data/a72.yml),
measured there: loads, stores, FMLA, FADD, FDIV; [L] LLVM's AArch64SchedA57.td, after Arm's guide of
the A57, which has the same pipes: SMULL, MUL, SADALP, shifts; [S] SLOTHY's cortex_a72_frontend.py,
after [G]: the same, and the dispatch.

A 128-bit floating point operation takes a slot of both FP pipes ([O]: one FMLA v.4s a cycle;
OpenBLAS issue 4149 reaches 3.2 of the 4 double-precision operations a cycle that this makes). So
fp32 does 4 multiplications a cycle. SMULL and SMLAL run in F0 only, but do 8 a cycle, with SADALP
beside them in F1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cost:
    """Slots that one instruction takes.

    Attributes:
        uops: µops for the dispatch.
        pipes: slots by pipe: ``F0``, ``F1``, ``F`` (either of them), ``L``, ``S``, ``I``, ``M``,
            ``B``.
    """

    uops: int
    pipes: Mapping[str, int]


COSTS: Mapping[str, Cost] = {
    "branch": Cost(1, {"B": 1}),  # [G]
    "alu": Cost(1, {"I": 1}),  # [G] two pipes
    "multiply": Cost(1, {"M": 1}),  # [G]
    "load": Cost(1, {"L": 1}),  # [G] one load a cycle
    "store": Cost(1, {"S": 1}),  # [G]
    "load_d": Cost(1, {"L": 1}),  # [O]
    "load_q": Cost(1, {"L": 1}),  # [O]
    "load_qq": Cost(2, {"L": 2}),  # [O] LDP of two 128-bit registers
    "store_d": Cost(1, {"S": 1}),  # [O]
    "store_q": Cost(2, {"S": 2}),  # [O] 64 bits a cycle
    "store_qq": Cost(4, {"S": 4}),  # [O]
    "fma_q": Cost(1, {"F": 2}),  # [O] one a cycle, both pipes
    "fma_d": Cost(1, {"F": 1}),  # [O]
    "fp_q": Cost(1, {"F": 2}),  # [O] FADD, FMUL v.4s: one a cycle
    "fp_d": Cost(1, {"F": 1}),  # [O]
    "fp_divide": Cost(1, {"F0": 8}),  # [O] v.4s; scalar ones take 2 to 4
    "int_mul_long": Cost(1, {"F0": 1}),  # [G][L][S]
    "int_mul_q": Cost(1, {"F0": 2}),  # [L][S]
    "int_mul_d": Cost(1, {"F0": 1}),  # [L]
    "dot": Cost(1, {"F0": 1}),  # not on this core: the gate fails if one is ever executed
    "sadalp": Cost(1, {"F1": 1}),  # [L]
    "shift": Cost(1, {"F1": 1}),  # [G][L]
    "simd": Cost(1, {"F": 1}),  # [O] integer arithmetic, logic, permutes
    "other": Cost(1, {}),
}

DISPATCH_WIDTH = 3
"""µops a cycle [G], section 4.1."""

GROUPS: Mapping[str, tuple[str, ...]] = {
    "FMLA": ("fma_q", "fma_d"),
    "int mul": ("int_mul_long", "int_mul_q", "int_mul_d"),
    "SADALP": ("sadalp",),
    "loads": ("load", "load_d", "load_q", "load_qq"),
    "stores": ("store", "store_d", "store_q", "store_qq"),
    "branches": ("branch",),
    "other SIMD": ("fp_q", "fp_d", "fp_divide", "shift", "simd", "dot"),
    "other": ("alu", "multiply", "other"),
}
"""Columns of the table."""


def port_cycles(counts: Mapping[str, float]) -> dict[str, float]:
    """Cycles that each limit asks for on its own.

    Args:
        counts: instructions by kind.

    Returns:
        Cycles by limit; ``FP`` is both floating-point pipes with the work that may use either
        shared out evenly.
    """
    slots: dict[str, float] = dict.fromkeys(("F0", "F1", "F", "L", "S", "I", "M", "B"), 0.0)
    uops = 0.0
    for kind, number in counts.items():
        cost = COSTS[kind]
        uops += cost.uops * number
        for pipe, taken in cost.pipes.items():
            slots[pipe] += taken * number
    return {
        "dispatch": uops / DISPATCH_WIDTH,
        "FP": max((slots["F0"] + slots["F1"] + slots["F"]) / 2, slots["F0"], slots["F1"]),
        "load": slots["L"],
        "store": slots["S"],
        "integer": slots["I"] / 2,
        "multiply": slots["M"],
        "branch": slots["B"],
    }


def cycles(counts: Mapping[str, float]) -> float:
    """Fewest cycles the pipes allow: the slowest limit, everything else hidden behind it.

    No latency, no cache miss, no mispredicted branch is in it: it ranks networks and bounds from
    below; it is no time.
    """
    return max(port_cycles(counts).values())
