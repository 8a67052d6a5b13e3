"""Engines in worker processes: what comes through, and what is left of each way of failing."""

import asyncio
import logging
import os
import signal
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from voxedge.engines.protocols import PageReader, Synthesizer
from voxedge.errors import OcrFailed, VoiceFailed
from voxedge.flow import Frame, PcmChunk, Utterance
from voxedge.service.proxies import WorkerPageReader, WorkerSynthesizer
from voxedge.service.restart import RestartPolicy, Trouble
from voxedge.service.workers import State, Worker, WorkerFailure, WorkerSpec
from voxedge.testing import bad_engines
from voxedge.testing.bad_engines import RATE_HZ

HELLO = Utterance("Take one tablet.")
STARTS_WITHIN_S = 20.0


def spec(mode: str, kind: str = "synthesizer", **changes: Any) -> WorkerSpec:
    factory = {"synthesizer": "voice", "page_reader": "page_reader"}[kind]
    arguments = {"mode": mode} | changes.pop("arguments", {})
    return WorkerSpec(
        name="under-test",
        factory=f"voxedge.testing.bad_engines:{factory}",
        kind=kind,
        arguments=arguments,
        **changes,
    )


@asynccontextmanager
async def running(
    mode: str, kind: str = "synthesizer", troubles: list[Trouble] | None = None, **changes: Any
) -> AsyncIterator[Worker]:
    heard = [] if troubles is None else troubles
    async with Worker(spec(mode, kind, **changes), heard.append) as worker:
        await worker.wait_ready(STARTS_WITHIN_S)
        yield worker


def voice_of(worker: Worker) -> Synthesizer:
    return WorkerSynthesizer(worker, "bad-voice", RATE_HZ)


async def spoken(voice: Synthesizer, utterance: Utterance = HELLO) -> list[PcmChunk]:
    return [chunk async for chunk in voice.stream(utterance)]


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(60):
            await work()

    asyncio.run(bounded())


async def until(condition: Callable[[], bool]) -> None:
    """Poll: what is waited for happens in other processes. ``run`` bounds it."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.002)


def test_a_voice_in_a_worker_sounds_like_the_voice_itself() -> None:
    async def check() -> None:
        here = await spoken(bad_engines.voice())
        async with running("good") as worker:
            there = await spoken(voice_of(worker))
            assert worker.description == {"name": "bad-voice", "rate_hz": RATE_HZ}
        assert [chunk.last for chunk in there] == [False, False, True]
        for mine, its in zip(here, there, strict=True):
            np.testing.assert_array_equal(mine.samples, its.samples)
            assert its.samples.dtype == np.float32
            assert (its.rate_hz, its.last) == (mine.rate_hz, mine.last)

    run(check)


def test_several_utterances_stream_at_once() -> None:
    async def check() -> None:
        async with running("good") as worker:
            voice = voice_of(worker)
            answers = await asyncio.gather(*(spoken(voice) for _ in range(6)))
        assert [len(chunks) for chunks in answers] == [3] * 6

    run(check)


def test_an_unread_stream_is_bounded_and_closing_it_leaves_the_worker_well() -> None:
    async def check() -> None:
        async with running("endless") as worker:
            pid = worker.pid
            for _ in range(5):
                stream = voice_of(worker).stream(HELLO)
                async with aclosing(stream):
                    for _ in range(20):
                        await anext(stream)
            waiting = [call.arrived.qsize() for call in worker._calls.values()]
            assert all(size <= 8 for size in waiting), "the window bounds what nobody fetched"
            assert worker.pid == pid
            assert worker.state is State.READY

    run(check)


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("crash_mid_stream", "SIGSEGV"),
        ("hang", "no answer within"),
        ("slow", "no answer within"),
        ("out_of_memory", "out of memory"),
        ("garbage", "garbage"),
        ("wrong_type", "wrong type"),
        ("wrong_rate", "wrong rate"),
        ("not_finite", "out of range"),
        ("raise", "told to"),
        ("raise_foreign", "ValueError"),
        ("no_end", "before the end"),
    ],
)
def test_a_failing_voice_is_told_and_the_next_utterance_is_spoken(
    mode: str, reason: str, tmp_path: Path
) -> None:
    flag = tmp_path / "started"

    async def check() -> None:
        changes = {"item_deadline_s": 0.5} if mode in ("hang", "slow") else {}
        memory = {"memory_mb": 400} if mode == "out_of_memory" else {}
        async with running(mode, arguments={"flag": str(flag)}, **changes, **memory) as worker:
            first_pid = worker.pid
            voice = voice_of(worker)
            with pytest.raises(VoiceFailed) as failure:
                await spoken(voice)
            assert reason in str(failure.value)
            assert HELLO.text not in str(failure.value), "page text must not reach a message"
            if mode in ("raise", "raise_foreign", "no_end"):
                assert worker.pid == first_pid, "an exception does not cost the process"
                return
            patient = WorkerSynthesizer(worker, "bad-voice", RATE_HZ, patience_s=STARTS_WITHIN_S)
            assert len(await spoken(patient)) == 3
            assert worker.pid != first_pid

    run(check)


def test_a_call_to_a_dead_worker_fails_at_once_so_that_the_simple_voice_can_speak() -> None:
    async def check() -> None:
        async with running("good") as worker:
            worker.kill("for the test")
            with pytest.raises(VoiceFailed):
                await spoken(voice_of(worker))
            begun_s = time.monotonic()
            with pytest.raises(VoiceFailed, match="for the test"):
                await spoken(voice_of(worker))
            assert time.monotonic() - begun_s < 0.25

    run(check)


def test_a_killed_worker_is_back_within_two_seconds() -> None:
    async def check() -> None:
        async with running("good") as worker:
            assert worker.pid is not None
            begun_s = time.monotonic()
            os.kill(worker.pid, signal.SIGKILL)
            await until(lambda: worker.state is not State.READY)
            await worker.wait_ready(STARTS_WITHIN_S)
            assert len(await spoken(voice_of(worker))) == 3
            # The bar is 2 s on an idle machine; tests share this one.
            assert time.monotonic() - begun_s < 6.0

    run(check)


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("crash_at_start", "SIGABRT"),
        ("hang_at_start", "not ready within"),
        ("fail_at_start", "not installed"),
    ],
)
def test_the_second_failure_to_start_is_spoken_once(mode: str, reason: str) -> None:
    async def check() -> None:
        troubles: list[Trouble] = []
        told = asyncio.Event()

        def hear(trouble: Trouble) -> None:
            troubles.append(trouble)
            told.set()

        policy = RestartPolicy(first_delay_s=0.01, longest_delay_s=0.01)
        deadline = {"start_deadline_s": 0.5} if mode == "hang_at_start" else {}
        the_spec = spec(mode, spoken="My natural voice keeps failing.", **deadline)
        async with Worker(the_spec, hear, policy) as worker:
            await told.wait()
            await until(lambda: worker.failures >= 4)
            with pytest.raises(WorkerFailure):
                await worker.wait_ready(0.01)
        assert troubles == [Trouble("under-test", 2, "My natural voice keeps failing.")]
        assert reason in worker._reason or worker._reason == "stopped"

    run(check)


def test_a_worker_that_does_not_stop_when_told_is_killed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def check() -> None:
        async with running("hang", cancel_grace_s=0.2) as worker:
            first_pid = worker.pid
            stream = voice_of(worker).stream(HELLO)
            async with aclosing(stream):
                await anext(stream)
                begun_s = time.monotonic()
            assert time.monotonic() - begun_s < 0.15, "a stop does not wait for the engine"
            await until(lambda: worker.pid != first_pid)
            assert "did not stop" in caplog.text

    run(check)


def test_a_worker_goes_when_its_owner_goes_and_with_it_what_it_started() -> None:
    async def check() -> None:
        async with running("good") as worker:
            pid = worker.pid
            assert pid is not None
        assert worker.state is State.STOPPED
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)

    run(check)


def test_a_worker_dies_with_its_parent(tmp_path: Path) -> None:
    """The daemon is killed with SIGKILL: nothing of it may stay behind."""
    script = textwrap.dedent(
        """
        import asyncio
        from voxedge.service.workers import Worker, WorkerSpec
        async def main():
            spec = WorkerSpec("w", "voxedge.testing.bad_engines:voice", "synthesizer")
            async with Worker(spec) as worker:
                await worker.wait_ready(20)
                print(worker.pid, flush=True)
                await asyncio.sleep(3600)
        asyncio.run(main())
        """
    )

    async def check() -> None:
        parent = await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE
        )
        assert parent.stdout is not None
        pid = int(await parent.stdout.readline())
        os.kill(pid, signal.SIGINT)  # Ctrl-C is not for the worker.
        os.kill(pid, 0)
        parent.kill()
        await parent.wait()
        await until(lambda: is_gone(pid))

    run(check)


def is_gone(pid: int) -> bool:
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True


def test_what_a_worker_logs_is_logged_here(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def check() -> None:
        async with running("raise_foreign") as worker:
            with pytest.raises(VoiceFailed):
                await spoken(voice_of(worker))
            await until(lambda: "ValueError" in caplog.text)

    run(check)
    assert "stream begins" in caplog.text
    assert HELLO.text not in caplog.text, "a foreign exception quotes the text; the log must not"


def a_page(rows: int = 300) -> Frame:
    grey = np.repeat(np.array([40, 80, 120], np.uint8), 100)[:rows]
    return Frame(np.broadcast_to(grey[:, None], (rows, 50)).copy(), "page.jpg")


def reader_of(worker: Worker) -> PageReader:
    loop = asyncio.get_running_loop()
    return WorkerPageReader(worker, "bad-page-reader", loop, bad_engines.page_reader().language_tag)


def test_a_page_reader_in_a_worker_reads_like_the_reader_itself() -> None:
    async def check() -> None:
        frame, engine = a_page(), bad_engines.page_reader()
        async with running("good", "page_reader", calls_at_once=1) as worker:
            reader = reader_of(worker)
            document = await asyncio.to_thread(reader.read, frame, "eng", 2)
            reading = await asyncio.to_thread(reader.start, frame, "eng", 2)
            sections = await asyncio.to_thread(list, reading)
            assert reader.name == "bad-page-reader 1.0"
        assert document == engine.read(frame, "eng", 2)
        assert sections == list(engine.start(frame, "eng", 2))
        assert reading.page == engine.start(frame, "eng", 2).page
        assert reader.language_tag("eng") == "en"
        assert document.text == "grey 40\n\ngrey 80\n\ngrey 120"

    run(check)


def test_a_large_colour_photograph_arrives_whole() -> None:
    async def check() -> None:
        pixels = np.random.default_rng(1).integers(0, 255, (3000, 4000, 3), np.uint8)
        async with running("good", "page_reader") as worker:
            document = await asyncio.to_thread(reader_of(worker).read, Frame(pixels), "eng")
        assert document == bad_engines.page_reader().read(Frame(pixels), "eng")

    run(check)


def test_reading_may_be_broken_off_between_sections() -> None:
    async def check() -> None:
        async with running("good", "page_reader", calls_at_once=1) as worker:
            pid = worker.pid

            def first_only() -> Any:
                sections = iter(reader_of_worker.start(a_page(), "eng"))
                found = next(sections)
                sections.close()  # type: ignore[attr-defined]
                return found

            reader_of_worker = reader_of(worker)
            for _ in range(3):
                found = await asyncio.to_thread(first_only)
                assert found[0].paragraphs[0].text == "grey 40"
            assert worker.pid == pid

    run(check)


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("crash_mid_stream", "SIGSEGV"),
        ("hang", "no answer within"),
        ("out_of_memory", "out of memory"),
        ("garbage", "garbage"),
        ("raise", "told to"),
        ("raise_foreign", "ValueError"),
    ],
)
def test_a_failing_page_reader_is_told_and_the_next_page_is_read(
    mode: str, reason: str, tmp_path: Path
) -> None:
    arguments = {"flag": str(tmp_path / "started")}

    async def check() -> None:
        changes: dict[str, Any] = {"item_deadline_s": 0.5} if mode == "hang" else {}
        if mode == "out_of_memory":
            changes["memory_mb"] = 400
        async with running(mode, "page_reader", arguments=arguments, **changes) as worker:
            reader = reader_of(worker)
            with pytest.raises(OcrFailed, match=reason):
                await asyncio.to_thread(reader.read, a_page(), "eng")
            if mode not in ("raise", "raise_foreign"):
                document = await asyncio.to_thread(reader.read, a_page(), "eng")
                assert len(document.sections) == 3

    run(check)


def test_a_reading_that_nobody_follows_does_not_block_the_next_page() -> None:
    async def check() -> None:
        async with running("good", "page_reader", calls_at_once=1) as worker:
            reader = reader_of(worker)
            for _ in range(3):
                reading = await asyncio.to_thread(reader.start, a_page(), "eng")
                assert reading.page.height == 300
                del reading
            document = await asyncio.to_thread(reader.read, a_page(), "eng")
            assert len(document.sections) == 3

    run(check)


def test_a_picture_beyond_all_measure_is_refused_and_costs_nothing() -> None:
    async def check() -> None:
        async with running("good", "page_reader", calls_at_once=1, cancel_grace_s=0.05) as worker:
            pid, reader = worker.pid, reader_of(worker)
            huge = Frame(np.broadcast_to(np.uint8(0), (9000, 9000)))
            with pytest.raises(OcrFailed, match="too large"):
                await asyncio.to_thread(reader.read, huge, "eng")
            await asyncio.sleep(0.1)  # Longer than the grace of a cancelled call.
            assert len((await asyncio.to_thread(reader.read, a_page(), "eng")).sections) == 3
            assert worker.pid == pid

    run(check)


@pytest.mark.parametrize("already_dead", [True, False])
def test_stopping_while_a_worker_dies_leaves_nobody(already_dead: bool) -> None:
    async def check() -> None:
        async with running("slow") as worker:
            pid = worker.pid
            assert pid is not None
            stream = voice_of(worker).stream(HELLO)
            await anext(stream)
            worker.kill("for the test")
            if already_dead:
                await until(lambda: is_gone(pid))
        assert worker.state is State.STOPPED
        assert worker.pid is None
        with pytest.raises(VoiceFailed):
            await anext(stream)
        assert is_gone(pid)

    run(check)


def test_a_page_reader_refuses_to_block_the_loop() -> None:
    async def check() -> None:
        async with Worker(spec("good", "page_reader")) as worker:
            with pytest.raises(RuntimeError, match="thread"):
                reader_of(worker).read(a_page(), "eng")

    run(check)


def test_a_worker_that_cannot_even_be_spawned_keeps_trying(monkeypatch: pytest.MonkeyPatch) -> None:
    async def check() -> None:
        monkeypatch.setattr(sys, "executable", "/nonexistent/python")
        policy = RestartPolicy(first_delay_s=0.01, longest_delay_s=0.01)
        async with Worker(spec("good"), policy=policy) as worker:
            await until(lambda: worker.failures >= 2)
            monkeypatch.undo()
            await worker.wait_ready(STARTS_WITHIN_S)
            assert len(await spoken(voice_of(worker))) == 3

    run(check)
