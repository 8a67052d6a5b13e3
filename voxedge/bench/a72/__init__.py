"""The voice on the device's own instructions: an emulated Cortex-A72, counted and compared.

``sandbox`` lays down what the device has (the same wheels, Debian's arm64 libraries) and a QEMU
that counts; ``guest`` speaks inside it; ``ports`` turns counts into cycles; ``gate`` compares,
holds a budget and estimates. Run by ``scripts/a72``; docs/developers/cortex-a72.md has the method.
"""
