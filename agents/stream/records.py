"""What was fetched of raw topics, unpacked by compiled code.

kafka-python unpacks each record in Python, which is half of what an ingest would need to read one; and what producers
compressed with lz4, snappy or zstd it can't read at all without packages of its own. aiokafka, which workers have
anyway, brings both as compiled code. Fetching, groups and transactions stay with kafka-python. See decision 0013.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

import aiokafka.errors  # type: ignore[import-untyped]
import cramjam
import kafka.errors  # type: ignore[import-untyped]
from aiokafka.record.default_records import DefaultRecordBatch  # type: ignore[import-untyped]
from kafka.consumer.fetcher import Fetcher, IsolationLevel  # type: ignore[import-untyped]

NEWEST = 2
"""The format of batches since Kafka 0.11; older ones may still be in a topic, and are left to kafka-python."""

BROKEN = (
    *(aiokafka.errors.KafkaError, UnicodeDecodeError),
    *(cramjam.DecompressionError, gzip.BadGzipFile, zlib.error, EOFError),
)
"""What is raised for a batch that holds something else than its head says: by its records, and by its compression."""


def unpack_compiled(consumer: Any) -> None:
    """Have a `kafka.KafkaConsumer` hand out records as compiled code makes them.

    They know offset, timestamp, key, value and headers; topic and partition are what they are handed out under.
    """
    consumer._fetcher.PartitionRecords = CompiledRecords


class CompiledRecords(Fetcher.PartitionRecords):  # type: ignore[misc]
    """The records of one answer of a broker for one partition, in order, from `fetch_offset` on.

    Raises CorruptRecordError where a batch is not what its checksum says, or can't be decompressed.
    """

    def _unpack_records(self, tp: Any, records: Any, *_deserializers: Any) -> Iterator[Any]:
        while (batch := records.next_batch()) is not None:
            if self.check_crcs and not batch.validate_crc():
                raise kafka.errors.CorruptRecordError(f"{tp}: the batch at {batch.base_offset} fails its checksum")
            self.bytes_read += batch.size_in_bytes
            try:
                for record in self._shown(batch):
                    self.records_read += 1
                    self.next_fetch_offset = record.offset + 1
                    yield record
            except BROKEN as error:
                raise kafka.errors.CorruptRecordError(f"{tp}: the batch at {batch.base_offset}: {error}") from error
            if batch.magic >= NEWEST:
                self.next_fetch_offset = batch.next_offset  # beyond what compaction took from its end
        self.drain()

    def _shown(self, batch: Any) -> Iterable[Any]:
        """The records of a batch that readers get."""
        if batch.magic < NEWEST:
            shown: Iterable[Any] = batch
            return shown
        self.leader_epoch = batch.leader_epoch
        return () if self._hidden(batch) else DefaultRecordBatch(bytes(batch._buffer))

    def _hidden(self, batch: Any) -> bool:
        """Whether it is a marker, or of a transaction that was given up."""
        if self.isolation_level == IsolationLevel.READ_COMMITTED and batch.has_producer_id():
            self._consume_aborted_transactions_up_to(batch.last_offset)
            if self._contains_abort_marker(batch):
                self.aborted_producer_ids.discard(batch.producer_id)
            elif self._is_batch_aborted(batch):
                return True
        return bool(batch.is_control_batch)
