"""Spans to an OTLP/HTTP collector, which may be away: that is logged once, delays nothing and holds nothing up."""

import logging
from collections.abc import Sequence

import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

log = logging.getLogger(__name__)

TIMEOUT = 1.0


class SpanExport(SpanExporter):
    """The library's exporter, with one log line when the collector goes away and one when it is back."""

    def __init__(self, endpoint: str) -> None:
        # The library logs every batch that fails, and every retry.
        logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL)
        self._session = requests.Session()
        self._session.trust_env = False
        self._endpoint = endpoint
        self._exporter = OTLPSpanExporter(
            endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=TIMEOUT, session=self._session
        )
        self._away = self._closed = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch; it is lost when the collector does not take it within a second."""
        result = self._exporter.export(spans)
        away = result is not SpanExportResult.SUCCESS
        if away is not self._away and not self._closed:
            self._away = away
            if away:
                log.warning("spans are lost: the collector does not take them", extra={"endpoint": self._endpoint})
            else:
                log.info("the collector takes spans again", extra={"endpoint": self._endpoint})
        return result

    def give_up_if_away(self) -> None:
        """End retries at once when the last batch was not taken, so that a dead collector does not delay the end."""
        if self._away:
            self.shutdown()

    def shutdown(self) -> None:
        """Stop; later batches are refused."""
        if not self._closed:
            self._closed = True
            self._exporter.shutdown()  # type: ignore[no-untyped-call]
            self._session.close()
