"""What of the trainer's network needs no PyTorch."""

from pathlib import Path

import pytest

from voxedge.models.distil.network import has_native_bfloat16


@pytest.mark.parametrize(
    ("cpuinfo", "native"),
    [
        ("flags\t\t: fpu sse2 avx2 avx512f avx512_bf16 amx_tile", True),
        ("flags\t\t: fpu sse2 amx_bf16", True),
        ("Features\t: fp asimd asimdhp bf16 i8mm", True),
        ("flags\t\t: fpu sse2 fma avx2 avx512f", False),
        ("Features\t: fp asimd evtstrm crc32 cpuid", False),
        ("", False),
    ],
)
def test_bfloat16_is_used_only_where_the_cpu_has_it(tmp_path: Path, cpuinfo: str, native: bool):
    path = tmp_path / "cpuinfo"
    path.write_text(f"processor\t: 0\n{cpuinfo}\n", encoding="utf-8")
    assert has_native_bfloat16("cpu", path) is native


def test_without_cpuinfo_it_trains_in_float32(tmp_path: Path):
    assert not has_native_bfloat16("cpu", tmp_path / "missing")
