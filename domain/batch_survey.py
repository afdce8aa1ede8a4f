"""What the input of a batch asks for in all: its models, its cost, and every line that cannot be asked for."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from hashlib import blake2b
from typing import Final, NamedTuple

from domain.batch import ERRORS_SHOWN, LineError
from domain.batch_line import LineRequest
from domain.caller import Allowance
from domain.catalog import Catalog
from domain.character import Character, read_cast
from domain.errors import InvalidRequest, NotAllowed, ReelayError
from domain.file import File
from domain.input_reference import PARAM, ImageLimits, check_reference
from domain.offer import offer_of
from domain.video_request import VideoRequest, read_video_request

LINES_LIMIT: Final = 50_000
MESSAGE_LIMIT: Final = 200
_DIGEST_BYTES = 12
_EVERYTHING: Final = Allowance()


class Known(NamedTuple):
    """What lines may name, by id.

    Attributes:
        uploads: Files.
        characters: Who can be shown.
    """

    uploads: Mapping[str, File] = {}
    characters: Mapping[str, Character] = {}


class BatchSurvey:
    """Takes line after line, and keeps little of them: fifty thousand may be bad.

    Args:
        catalog: What can be rendered.
        today: In UTC.
        images: What images may be.
        allowance: What its caller may ask for.

    Attributes:
        total: How many lines there were that are not blank, up to the first that is too many.
        errors: The first bad lines, in order.
        error_count: How many there were.
        is_full: Whether there are too many, so that the rest does not matter.
        cost_usd: What the good ones cost, each at the first deployment that can render it.
    """

    def __init__(self, catalog: Catalog, today: date, images: ImageLimits, allowance: Allowance = _EVERYTHING) -> None:
        self._catalog = catalog
        self._today = today
        self._images = images
        self._allowance = allowance
        self._custom_ids = set[bytes]()
        self._models = dict[str, None]()
        self.is_full = False
        self.total = 0
        self.errors = list[LineError]()
        self.error_count = 0
        self.cost_usd = Decimal(0)

    @property
    def models(self) -> tuple[str, ...]:
        """What the good lines ask for."""
        return tuple(self._models)

    def add(self, number: int, asked: LineRequest | InvalidRequest | None, known: Known) -> LineError | None:
        """Take the next line, and say what is wrong with it.

        Args:
            number: From 1.
            asked: What it asks for, or what was wrong with it so far; None if it is blank.
            known: What it may name, as far as the tenant has it.
        """
        if self.is_full:
            return None
        if asked is not None:
            self.total += 1
        if self.total > LINES_LIMIT or number > 2 * LINES_LIMIT:
            self.is_full = True
            message = f"A batch has at most {LINES_LIMIT} lines, and {2 * LINES_LIMIT} with the blank ones."
            return self.refuse(LineError(code="too_many_lines", message=message, line=number))
        error = self._problem(asked, known) if asked else None
        if error is None:
            return None
        code, message = error.code or "invalid_value", error.message[:MESSAGE_LIMIT]
        return self.refuse(LineError(code=code, message=message, line=number, param=error.param))

    def finish(self) -> LineError | None:
        """That was the last one; say what is wrong with them all."""
        if self.total or self.is_full:
            return None
        return self.refuse(LineError(code="empty_file", message="The input file has no line."))

    def refuse(self, error: LineError) -> LineError:
        """Note what is wrong."""
        self.error_count += 1
        if len(self.errors) < ERRORS_SHOWN:
            self.errors.append(error)
        return error

    def _problem(self, asked: LineRequest | InvalidRequest, known: Known) -> ReelayError | None:
        if isinstance(asked, InvalidRequest):
            return asked
        try:
            self._take(asked, known)
        except (InvalidRequest, NotAllowed) as error:
            return error
        return None

    def _take(self, line: LineRequest, known: Known) -> None:
        custom_id, body = line
        cast = read_cast(body, known.characters)
        asked = read_video_request(body, self._catalog, may_fall_back=True, today=self._today, cast=cast)
        self._allowance.check(asked)
        check_reference(body, size=asked.size, uploads=known.uploads, limits=self._images)
        digest = blake2b(custom_id.encode(), digest_size=_DIGEST_BYTES).digest()
        if digest in self._custom_ids:
            message = f"The custom_id '{custom_id[:80]}' is that of an earlier line, too."
            raise InvalidRequest(message, param="custom_id", code="duplicate_custom_id")
        self._custom_ids.add(digest)
        self._models[asked.model] = None
        self.cost_usd += self._cost_usd(asked, with_image=bool(body.get(PARAM)))

    def _cost_usd(self, asked: VideoRequest, *, with_image: bool) -> Decimal:
        offer = offer_of(asked.model, self._catalog, may_fall_back=True, today=self._today)
        able = (
            each
            for each in (offer.only(asked.cast.deployment) if asked.cast else offer).deployments
            if each.renders(size=asked.size, seconds=asked.seconds, with_image=with_image)
        )
        return asked.seconds * next(able).price_per_second(asked.size)
