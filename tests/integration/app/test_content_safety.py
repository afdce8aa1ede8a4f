"""Content Safety by its own SDK: what it finds, what it does not take, and what happens when it fails."""

from collections.abc import AsyncGenerator, Mapping
from typing import Any

import httpx
import pytest
from azure.core.credentials import AzureKeyCredential
from pydantic import TypeAdapter

from clients.guardrails.chain import Guardrails
from clients.guardrails.content_safety import ContentSafety, connect
from clients.guardrails.opening import Helpers, open_guardrails
from clients.secret_store import SecretStore
from clients.service_key import ServiceKey
from domain.caller import Caller
from domain.errors import CheckImpossible, ContentPolicyViolation, GuardrailUnavailable
from domain.guardrails import Check
from domain.reference_image import ReferenceImage
from domain.video import Variant
from domain.video_request import VideoRequest
from local.azure_fakes.fakes import Fakes
from local.azure_fakes.faults import Effect, Fault, Operation
from tests.unit.examples import a_video, an_image
from tests.unit.fakes import FakeBlobStore, FakeClock, FakeVault, FakeVaults, a_secret_store, keyvault_secret

KEY = "safety-key"
ASKED = VideoRequest("sora-2", "A fox.", 4, "1280x720", None, None, may_fall_back=True)


@pytest.fixture
async def safety(fakes: Fakes) -> AsyncGenerator[ContentSafety]:
    fakes.world.change_settings({"content_safety_key": KEY})
    service = ContentSafety(connect(fakes.url, AzureKeyCredential(KEY)))
    yield service
    await service.close()


def a_chain(service: ContentSafety, contents: FakeBlobStore | None = None, **check: Any) -> Guardrails:
    chain = open_guardrails(
        TypeAdapter[tuple[Check, ...]](tuple[Check, ...]).validate_python([{"content_safety": {}, **check}]),
        Helpers(
            content_safety=lambda: service,
            http=httpx.AsyncClient(),
            secrets=a_secret_store(),
            contents=(contents or FakeBlobStore()).as_store(),
            clock=FakeClock(),
        ),
    )
    assert chain
    return chain


async def ask(chain: Guardrails, prompt: str = "A fox.", *, tenant: str = "acme", image: bytes | None = None) -> None:
    file = ReferenceImage(image, "image/png") if image else None
    await chain.check_request(Caller(tenant=tenant), ASKED._replace(prompt=prompt), file)


def break_it(fakes: Fakes, effect: Effect, operation: Operation = Operation.ANALYZE_TEXT, **fault: Any) -> None:
    fakes.world.faults.add([Fault(operation=operation, effect=effect, times=9, **fault)])


@pytest.mark.parametrize(
    ("prompt", "fine", "severities"),
    [
        ("A fox.", False, {}),
        ("hate_5 and self_harm_7", False, {"hate": 4, "self_harm": 6}),
        ("hate_5 and self_harm_7", True, {"hate": 5, "self_harm": 7}),
        ("x" * 9_990 + " violence_6 " + "x" * 15_000, False, {"violence": 6}),
        ("", False, {}),
    ],
)
async def test_a_text_is_as_harmful_as_its_worst_part(
    safety: ContentSafety, prompt: str, severities: Mapping[str, int], *, fine: bool
) -> None:
    nothing = dict.fromkeys(("hate", "self_harm", "sexual", "violence"), 0)
    assert await safety.of_text(prompt, fine=fine) == nothing | severities


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (4_000, 10), (8, 8), (2_048, 2_049)])
async def test_a_picture_of_any_size_is_looked_at(safety: ContentSafety, fakes: Fakes, width: int, height: int) -> None:
    fakes.world.change_settings({"image_severities": {"sexual": 4}})
    assert (await safety.of_picture(an_image(width=width, height=height)))["sexual"] == 4


async def test_a_picture_of_too_many_bytes_is_made_smaller(safety: ContentSafety) -> None:
    assert await safety.of_picture(an_image() + bytes(5_000_000))


async def test_what_is_no_picture_cannot_be_looked_at(safety: ContentSafety) -> None:
    with pytest.raises(CheckImpossible, match="cannot be read"):
        await safety.of_picture(b"no picture")


async def test_a_prompt_is_refused_with_category_and_severity(safety: ContentSafety) -> None:
    chain = a_chain(safety)
    await ask(chain, "violence_3")
    with pytest.raises(ContentPolicyViolation, match=r"The prompt .* category 'violence', severity 4\.") as refused:
        await ask(chain, "violence_4 s3cret")
    assert "s3cret" not in refused.value.message


async def test_each_tenant_may_have_thresholds_of_its_own(safety: ContentSafety) -> None:
    chain = a_chain(safety, tenants={"kids": {"violence": 3}, "film": {"violence": None}})
    await ask(chain, "violence_3")
    await ask(chain, "violence_7", tenant="film")
    with pytest.raises(ContentPolicyViolation, match="severity 3"):
        await ask(chain, "violence_3", tenant="kids")


async def test_a_reference_image_is_looked_at_as_well(safety: ContentSafety, fakes: Fakes) -> None:
    chain = a_chain(safety)
    await ask(chain, image=an_image())
    fakes.world.change_settings({"image_severities": {"hate": 6}})
    with pytest.raises(ContentPolicyViolation, match="The input_reference is against"):
        await ask(chain, image=an_image())


async def test_a_finished_video_is_known_by_its_stills(safety: ContentSafety, fakes: Fakes) -> None:
    contents = FakeBlobStore()
    stored = {each: await contents.put(each, an_image("JPEG"), "image/jpeg") for each in list(Variant)[1:]}
    video = a_video().model_copy(update={"contents": stored})
    chain = a_chain(safety, contents)
    await chain.check_video(video)
    assert fakes.world.counters[Operation.ANALYZE_IMAGE] == 2
    fakes.world.change_settings({"image_severities": {"violence": 4}})
    with pytest.raises(ContentPolicyViolation, match="The video is against the content policy: category 'violence'"):
        await chain.check_video(video)
    with pytest.raises(GuardrailUnavailable):
        await chain.check_video(a_video())


@pytest.mark.parametrize(
    "fault",
    [
        {"effect": Effect.STATUS, "status": 500},
        {"effect": Effect.STATUS, "status": 429, "headers": {"retry-after": "0"}},
        {"effect": Effect.STATUS, "status": 400},
        {"effect": Effect.DROP_BEFORE},
        {"effect": Effect.GARBAGE},
        {"effect": Effect.DELAY, "seconds": 5},
    ],
)
async def test_a_failing_service_lets_nothing_through_unless_told(
    safety: ContentSafety, fakes: Fakes, fault: Mapping[str, Any]
) -> None:
    break_it(fakes, **fault)
    with pytest.raises(GuardrailUnavailable):
        await ask(a_chain(safety, timeout_s=0.5), "violence_6")
    await ask(a_chain(safety, timeout_s=0.5, on_error="fail_open"), "violence_6")


async def test_a_short_fault_is_nobodys_concern(safety: ContentSafety, fakes: Fakes) -> None:
    fakes.world.faults.add([Fault(operation=Operation.ANALYZE_TEXT, effect=Effect.STATUS, status=500)])
    with pytest.raises(ContentPolicyViolation):
        await ask(a_chain(safety), "violence_6")


async def test_a_wrong_key_is_read_anew(fakes: Fakes) -> None:
    fakes.world.change_settings({"content_safety_key": KEY})
    vault = FakeVault(safety="old")
    key = ServiceKey(keyvault_secret("safety"), SecretStore(FakeVaults(v=vault)))
    service = ContentSafety(connect(fakes.url, key.credential), key)
    with pytest.raises(CheckImpossible, match=r"Content Safety failed \(401\)"):
        await service.of_text("A fox.", fine=False)
    vault.secrets["safety"] = KEY
    assert await service.of_text("violence_2", fine=False)
    await service.close()


async def test_a_key_that_cannot_be_read_is_an_error_of_the_check(fakes: Fakes) -> None:
    key = ServiceKey(keyvault_secret("missing"), a_secret_store())
    service = ContentSafety(connect(fakes.url, key.credential), key)
    with pytest.raises(CheckImpossible, match="Content Safety cannot be asked"):
        await service.of_text("A fox.", fine=False)
    await service.close()
