"""What the input of a batch asks for in all: its models, its cost, and every line that cannot be asked for."""

from datetime import date
from decimal import Decimal
from hashlib import blake2b
from typing import Final

from domain.batch import ERRORS_SHOWN, LineError
from domain.batch_line import Line, read_line
from domain.catalog import Catalog
from domain.errors import InvalidRequest
from domain.offer import offer_of
from domain.video_request import VideoRequest, read_video_request

LINES_LIMIT: Final = 50_000
MESSAGE_LIMIT: Final = 200
_DIGEST_BYTES = 12


class BatchSurvey:
    """Takes line after line, and keeps little of them: fifty thousand may be bad.

    Args:
        catalog: What can be rendered.
        today: In UTC.

    Attributes:
        total: How many lines there were that are not blank, up to the first that is too many.
        errors: The first bad lines, in order.
        error_count: How many there were.
        cost_usd: What the good ones cost, each at the first deployment that can render it.
    """

    def __init__(self, catalog: Catalog, today: date) -> None:
        self._catalog = catalog
        self._today = today
        self._custom_ids = set[bytes]()
        self._models = dict[str, None]()
        self._is_full = False
        self.total = 0
        self.errors = list[LineError]()
        self.error_count = 0
        self.cost_usd = Decimal(0)

    @property
    def models(self) -> tuple[str, ...]:
        """What the good lines ask for."""
        return tuple(self._models)

    def add(self, line: Line) -> LineError | None:
        """Look at the next line, and say what is wrong with it."""
        if self._is_full:
            return None
        if not line.is_blank:
            self.total += 1
        if self.total > LINES_LIMIT or line.number > 2 * LINES_LIMIT:
            self._is_full = True
            message = f"A batch has at most {LINES_LIMIT} lines, and {2 * LINES_LIMIT} with the blank ones."
            return self.refuse(LineError(code="too_many_lines", message=message, line=line.number))
        if line.is_blank:
            return None
        try:
            self._take(line)
        except InvalidRequest as error:
            code, message = error.code or "invalid_value", error.message[:MESSAGE_LIMIT]
            return self.refuse(LineError(code=code, message=message, line=line.number, param=error.param))
        return None

    def finish(self) -> LineError | None:
        """That was the last one; say what is wrong with them all."""
        if self.total or self._is_full:
            return None
        return self.refuse(LineError(code="empty_file", message="The input file has no line."))

    def refuse(self, error: LineError) -> LineError:
        """Note what is wrong."""
        self.error_count += 1
        if len(self.errors) < ERRORS_SHOWN:
            self.errors.append(error)
        return error

    def _take(self, line: Line) -> None:
        custom_id, body = read_line(line)
        asked = read_video_request(body, self._catalog, may_fall_back=True, today=self._today)
        digest = blake2b(custom_id.encode(), digest_size=_DIGEST_BYTES).digest()
        if digest in self._custom_ids:
            message = f"The custom_id '{custom_id[:80]}' is that of an earlier line, too."
            raise InvalidRequest(message, param="custom_id", code="duplicate_custom_id")
        self._custom_ids.add(digest)
        self._models[asked.model] = None
        self.cost_usd += self._cost_usd(asked, with_image=bool(body.get("input_reference")))

    def _cost_usd(self, asked: VideoRequest, *, with_image: bool) -> Decimal:
        offer = offer_of(asked.model, self._catalog, may_fall_back=True, today=self._today)
        able = (
            each
            for each in offer.deployments
            if each.renders(size=asked.size, seconds=asked.seconds, with_image=with_image)
        )
        return asked.seconds * next(able).price_per_second(asked.size)
