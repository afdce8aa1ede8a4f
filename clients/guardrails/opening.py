"""Makes the chain that the configuration asks for; what is heavy is imported only if it is asked for."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import httpx

from clients.blob_store import BlobStore
from clients.guardrails.chain import Examine, Guard, Guardrails
from clients.guardrails.hooks import HttpsHook, PythonHook
from clients.guardrails.subject import Subject
from clients.secret_store import SecretStore
from domain.errors import ConfigurationError
from domain.finding import Finding, Verdict
from domain.guardrails import Check, ContentSafetyCheck, HttpsCheck, PythonCheck, worst
from domain.plain_words import visible
from domain.prompt_rules import Blocklist, LanguageRule, Length, Patterns

if TYPE_CHECKING:
    from clients.guardrails.content_safety import ContentSafety


@dataclass(frozen=True)
class Helpers:
    """What checks are made with.

    Attributes:
        content_safety: Opens the resource, if a check needs it.
        http: Follows no redirects, and sends through a `GuardedTransport`.
        secrets: Reads what endpoints want to be shown.
        contents: Where finished videos are.
        clock: The present time, UTC.
    """

    content_safety: Callable[[], "ContentSafety"]
    http: httpx.AsyncClient
    secrets: SecretStore
    contents: BlobStore
    clock: Callable[[], datetime]


def open_guardrails(checks: Sequence[Check], helpers: Helpers) -> Guardrails | None:
    """Make the chain; None where nothing is asked for.

    Raises:
        ConfigurationError: A function is not there.
    """
    guards, problems = list[Guard](), list[str]()
    for number, check in enumerate(checks):
        try:
            guards.append(_guard(check, helpers))
        except ValueError as error:
            problems.append(f"guardrails[{number}]: {error}")
    if problems:
        raise ConfigurationError(problems)
    return Guardrails(guards, helpers.contents, helpers.clock) if guards else None


def _guard(check: Check, helpers: Helpers) -> Guard:
    match check:
        case Blocklist() | Patterns() | Length():
            return Guard(check.category, _rule(check.find))
        case LanguageRule():
            return Guard(check.category, _language(check))
        case ContentSafetyCheck():
            name, examine = "content_safety", _content_safety(check, helpers.content_safety())
        case PythonCheck():
            name, examine = check.python, _hook(PythonHook(check))
        case HttpsCheck():
            name, examine = str(check.https.host), _hook(HttpsHook(check, helpers.http, helpers.secrets))
    return Guard(name, examine, check.at, check.on_error, check.timeout_s)


def _rule(find: Callable[[str], Finding | None]) -> Examine:
    async def examine(subject: Subject) -> Finding | None:
        finding = find(subject.prompt) if subject.prompt else None
        return finding and finding._replace(where=subject.words_are)

    return examine


def _language(rule: LanguageRule) -> Examine:
    from clients.guardrails.language import LanguageDetector  # noqa: PLC0415 - 65 ms that few need

    detector = LanguageDetector()
    return _rule(lambda prompt: rule.judge(detector.detect(visible(prompt))))


def _content_safety(check: ContentSafetyCheck, service: "ContentSafety") -> Examine:
    async def examine(subject: Subject) -> Finding | None:
        thresholds = check.thresholds(subject.tenant)
        pictures = await subject.pictures()
        texts = [subject.prompt] if subject.prompt else []
        of_texts, of_pictures = await asyncio.gather(
            asyncio.gather(*(service.of_text(text, fine=thresholds.are_fine) for text in texts)),
            asyncio.gather(*(service.of_picture(picture) for picture in pictures)),
        )
        findings = [
            *(worst(severities, thresholds, subject.words_are) for severities in of_texts),
            *(worst(severities, thresholds, subject.pictures_are) for severities in of_pictures),
        ]
        return next(filter(None, findings), None)

    return examine


def _hook(hook: PythonHook | HttpsHook) -> Examine:
    async def examine(subject: Subject) -> Finding | None:
        verdict = Verdict.read(await hook.ask(await subject.document()))
        return verdict.finding(subject.stage.value)

    return examine
