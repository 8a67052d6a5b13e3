"""Which of its voices the reader uses."""

from __future__ import annotations

from voxedge.actions import Intent
from voxedge.reader.conversation.effects import UseVoice, VoiceWish, say
from voxedge.reader.conversation.model import Handler, Model, Step, World

_TOLD = {
    VoiceWish.NATURAL: "voice_natural",
    VoiceWish.LIGHT: "voice_light",
    VoiceWish.SIMPLE: "voice_simple",
}


def wisher(wish: VoiceWish) -> Handler:
    """Return the handler that takes up a wish for a voice."""

    def handle(model: Model, _intent: Intent, _world: World) -> Step:
        return Step(model, (UseVoice(wish), say(_TOLD[wish])))

    return handle
