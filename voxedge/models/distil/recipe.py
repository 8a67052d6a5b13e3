"""The whole way: a voice in, a student out, and the student onto this machine.

``distil_voice`` takes hours and is done once for each voice, on a developer's machine; every step
of it goes on where it was broken off. ``install_student`` takes seconds and is done on every
device, from the files that travel with the project.
"""

from __future__ import annotations

import errno
import hashlib
import itertools
import json
import shutil
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from voxedge.engines.tts.network import NetworkFailed, VoiceNetwork
from voxedge.engines.tts.student import StudentDecoder, StudentFiles, StudentNetwork
from voxedge.errors import DiskFull, VoiceCorrupt
from voxedge.models.distil.graph import build_graph
from voxedge.models.distil.network import require_torch
from voxedge.models.distil.package import (
    CALIBRATION_SENTENCES,
    LIGHTER_FILE,
    STUDENT_FILE,
    TEXT_ENCODER_FILE,
    Student,
    priors,
    save_student,
    student_files,
    write_graph,
    write_text_encoder,
)
from voxedge.models.distil.quantize import by_sensitivity, calibrate, most_int8
from voxedge.models.distil.shape import StudentShape, Weights
from voxedge.models.distil.spread import widen
from voxedge.models.distil.teacher import load_shard, make_shards
from voxedge.models.distil.train import Guide, Training, train
from voxedge.models.graph.builder import Range
from voxedge.models.progress import Progress, Silent
from voxedge.models.score.metrics import Dnsmos, log_mel_distance
from voxedge.models.shipped import DERIVATION

Floats = npt.NDArray[np.float32]

_DONE_FILE = "installed.json"
_ENCODER = "int8-2"
"""Names how the text encoder is quantized: what was made the same way is not made again."""
_GATE_SENTENCES = 16
_GATE_RATIO = 0.995
"""DNSMOS that INT8 may cost of the student in fp32. The whole voice's gate is 0.987."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to distil.

    Attributes:
        minutes: speech of the teacher.
        texts: files of running English beside our own templates.
        shape: sizes of the student; its latent channels, hop and rate are the teacher's.
        training: how to train.
        seed: what the teacher says.
    """

    minutes: float = 180.0
    texts: Sequence[Path] = ()
    shape: StudentShape = field(default_factory=StudentShape)
    training: Training = field(default_factory=Training)
    seed: int = 1


def distil_voice(
    voice: str,
    teacher: VoiceNetwork,
    origin_sha256: str,
    work: Path,
    target: Path,
    plan: Plan,
    warm: Weights | None = None,
    progress: Progress | None = None,
    guide: Guide | None = None,
) -> Student:
    """Train a student of a voice and write ``VOICE.npz`` and ``VOICE.json`` to ``target``.

    Blocking: hours. Interrupted, it goes on where it was when called again with the same plan.

    Args:
        voice: name of the voice.
        teacher: its networks in fp32.
        origin_sha256: digest of its official model.
        work: teacher pairs and checkpoint; may be thrown away afterwards.
        target: where the student goes.
        plan: how to distil.
        warm: weights to begin with.
        progress: told of each part.
        guide: the student that ``warm`` was cut from.

    Raises:
        TorchMissing: PyTorch is not installed.
        JudgeMissing: DNSMOS is not installed.
        CheckpointUnusable: ``work`` holds another training.
        ValueError: the plan's shape does not fit the teacher.
    """
    require_torch()
    judge = Dnsmos()
    _check_fits(plan.shape, teacher)
    paths = make_shards(
        teacher, work / "pairs", plan.minutes, texts=plan.texts, seed=plan.seed, progress=progress
    )
    shards = [load_shard(path) for path in paths]
    checkpoint = work / "training.pt"
    weights = train(plan.shape, shards, checkpoint, plan.training, warm, progress, guide=guide)
    progress = progress or Silent()
    progress.start("widening its levels", None, "trials")

    def opinion(samples: Floats) -> float:
        progress.advance(1)
        return float(judge(samples, plan.shape.rate_hz).overall)

    weights, wide = widen(plan.shape, weights, shards, opinion)
    progress.finish()
    int8 = choose_int8(teacher, plan.shape, weights, judge, progress)
    training = (
        f"{plan.training.steps} steps of {plan.training.batch} stretches on "
        f"{plan.minutes:.0f} minutes of the teacher's speech, "
        f"{'warm start' if warm is not None else 'from chance'}, seed {plan.training.seed}; "
        f"level of the free spectrum widened by {wide.factor:.2f}."
    )
    student = Student(plan.shape, weights, int8, origin_sha256, training)
    target.mkdir(parents=True, exist_ok=True)
    save_student(target, voice, student)
    return student


def choose_int8(
    teacher: VoiceNetwork,
    shape: StudentShape,
    weights: Weights,
    judge: Dnsmos,
    progress: Progress | None = None,
) -> dict[str, Range]:
    """The layers that may run in INT8, with their ranges: as many as the judge lets pass."""
    progress = progress or Silent()
    progress.start("choosing INT8 layers", None, "graphs")
    ranges = calibrate(shape, weights, itertools.islice(priors(teacher), CALIBRATION_SENTENCES))
    trial = list(itertools.islice(priors(teacher), _GATE_SENTENCES))

    def speak(int8: Mapping[str, Range]) -> list[Floats]:
        with tempfile.TemporaryDirectory() as folder:
            files = write_graph(Student(shape, weights, int8, ""), Path(folder))
            decoder = StudentDecoder(files, threads=1)
            progress.advance(1)
            return [next(decoder.decode(prior, [prior.shape[1]])) for prior in trial]

    def opinion(spoken: Sequence[Floats]) -> float:
        return float(np.mean([judge(samples, shape.rate_hz).overall for samples in spoken]))

    exact = speak({})
    wanted = _GATE_RATIO * opinion(exact)

    def acceptable(layers: Collection[str]) -> bool:
        return opinion(speak({name: ranges[name] for name in layers})) >= wanted

    def harm(layers: Mapping[str, Range]) -> float:
        pairs = zip(exact[:4], speak(layers)[:4], strict=True)
        return float(np.mean([log_mel_distance(one, two, shape.rate_hz) for one, two in pairs]))

    order = list(ranges)
    if not acceptable(order):
        order = by_sensitivity(ranges, harm)
    kept = most_int8(order, acceptable)
    progress.finish()
    return {name: ranges[name] for name in ranges if name in kept}


def installed_folder(voice_folder: Path, student: Student, lighter: Student | None = None) -> Path:
    """Where an installed student lies: keyed by everything it is made of."""
    digest = hashlib.sha256(DERIVATION.encode() + student.origin_sha256.encode())
    for item in (student, lighter):
        if item is not None:
            graph = build_graph(item.shape, item.weights, item.int8)
            digest.update(graph.SerializeToString())
    return voice_folder / f"{DERIVATION}-{digest.hexdigest()[:16]}"


def install_student(
    voice: str,
    student: Student,
    network: VoiceNetwork,
    folder: Path,
    lighter: Student | None = None,
) -> None:
    """Write a student's graph and the INT8 text encoder of its voice. Blocking: some 5 s.

    A text encoder that an earlier install made the same way is copied: then it is a second. They
    are written beside ``folder`` and moved there whole: what was there before is in use until then.

    Raises:
        VoiceCorrupt: the student is of another voice, or does not speak here.
        DiskFull: no room.
    """
    origin = network.assets.model_sha256
    if any(item.origin_sha256 != origin for item in (student, lighter) if item is not None):
        raise VoiceCorrupt(voice=voice, reason="its student was trained from another model")
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".student-", dir=folder.parent))
    try:
        write_graph(student, scratch)
        if lighter is not None:
            write_graph(lighter, scratch, LIGHTER_FILE)
        former = _same_encoder(folder.parent, origin)
        if former is not None:
            shutil.copyfile(former, scratch / TEXT_ENCODER_FILE)
        else:
            write_text_encoder(network, scratch)
        sizes = {path.name: path.stat().st_size for path in sorted(scratch.iterdir())}
        facts = {"bytes": sizes, "text_encoder": f"{_ENCODER} {origin}"}
        (scratch / _DONE_FILE).write_text(json.dumps(facts), encoding="utf-8")
        _check_speaks(voice, open_installed(voice, student, network, scratch))
        if lighter is not None:
            _check_speaks(voice, open_installed(voice, lighter, network, scratch, LIGHTER_FILE))
        scratch.chmod(0o755)  # mkdtemp makes it private; a service may read what a user built
        if folder.exists():
            shutil.rmtree(folder)
        scratch.replace(folder)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DiskFull(path=folder) from error
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _same_encoder(place: Path, origin_sha256: str) -> Path | None:
    """The text encoder of another installed student of the same voice, made as it would be now."""
    for done in sorted(place.glob(f"{DERIVATION}-*/{_DONE_FILE}")):
        try:
            made = json.loads(done.read_text(encoding="utf-8"))["text_encoder"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if made == f"{_ENCODER} {origin_sha256}" and is_installed(done.parent):
            return done.parent / TEXT_ENCODER_FILE
    return None


def is_installed(folder: Path) -> bool:
    """Whether ``install_student`` finished here and its files have the sizes it left."""
    try:
        sizes = json.loads((folder / _DONE_FILE).read_text(encoding="utf-8"))["bytes"]
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def open_installed(
    voice: str,
    student: Student,
    network: VoiceNetwork,
    folder: Path,
    file: str = STUDENT_FILE,
    threads: int = 1,
) -> StudentNetwork:
    """Load an installed student.

    Raises:
        VoiceCorrupt: a file does not load.
    """
    files: StudentFiles = student_files(student.shape, folder / file)
    try:
        return StudentNetwork(network.assets, folder / TEXT_ENCODER_FILE, files, threads)
    except NetworkFailed as error:
        raise VoiceCorrupt(voice=voice, reason=str(error)) from error


def fitting_shape(teacher: VoiceNetwork) -> StudentShape:
    """The default student with the teacher's latent channels, rate and hop."""
    hop = teacher.assets.hop
    return StudentShape(
        latent_channels=next(priors(teacher)).shape[0],
        fft_size=4 * hop,
        hop=hop,
        rate_hz=teacher.assets.config.rate_hz,
    )


def warm_start(shape: StudentShape, other: Student) -> Weights:
    """The weights of a student of another voice, to begin with.

    Raises:
        ValueError: it has other sizes; the sample rate may differ.
    """
    if replace(other.shape, rate_hz=shape.rate_hz) != shape:
        raise ValueError("the student to begin with has other sizes than this voice needs")
    return other.weights


def _check_fits(shape: StudentShape, teacher: VoiceNetwork) -> None:
    fit = fitting_shape(teacher)
    ours = (shape.latent_channels, shape.rate_hz, shape.hop, shape.fft_size)
    theirs = (fit.latent_channels, fit.rate_hz, fit.hop, fit.fft_size)
    if ours != theirs:
        raise ValueError(f"channels, rate, hop and window are {theirs}; of the student {ours}")


def _check_speaks(voice: str, network: StudentNetwork) -> None:
    """One short trial: finite samples of the right number, not silent."""
    tokens = network.assets.config.phoneme_ids.values()
    ids = sorted({group[0] for group in tokens if group})[:24]
    try:
        encoded = network.encode(ids, None, 0.0, network.assets.config.default_speaker)
        prior = np.repeat(encoded.mean, 3, axis=1)
        samples = next(network.decode(prior, [prior.shape[1]]))
    except NetworkFailed as error:
        raise VoiceCorrupt(voice=voice, reason=str(error)) from error
    if not np.isfinite(samples).all() or not np.abs(samples).max() > 0:
        raise VoiceCorrupt(voice=voice, reason="its student gives no sound")
