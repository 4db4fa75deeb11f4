#!/usr/bin/env python3
"""Tags, translates, tokenizes and measures text under Spark, and compares with the plain run byte for byte.

    bulk.py TOOL FOLDER [--master MASTER]

FOLDER has models/: names.safetensors (a tagger), log.safetensors (a language model), numbers.safetensors (a
translator); and text.txt, lines of text that need not be right. What comes of it is put beside them.
"""
import argparse
import os
import pathlib
import shlex
import subprocess
import sys
from typing import Iterator

here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(here))

import pandas as pd  # noqa: E402
import pyspark  # noqa: E402
from pyspark.sql import SparkSession  # noqa: E402
from pyspark.sql.functions import pandas_udf  # noqa: E402

from lines import Lines  # noqa: E402


def commands(tool, models):
    """What is run: the words of each command. None of their formats tells where in the input a line stands."""
    return {
        "tag": [tool, "tag", "-m", f"{models}/names.safetensors", "--format", "jsonl", "--threads", "1"],
        "translate": [tool, "translate", "-m", f"{models}/numbers.safetensors", "--threads", "1"],
        "surprise": [tool, "surprise", "-m", f"{models}/log.safetensors", "--format", "jsonl"],
        "tokenize": [tool, "tokenize", "--unit", "word", "--format", "json"],
    }


def plain(command, text):
    """One process, from a file to standard output."""
    with open(text, "rb") as file:
        return subprocess.run(command, stdin=file, stdout=subprocess.PIPE, check=True).stdout


def parallel(command, text):
    """The same by GNU parallel: blocks of lines to as many processes as there are cores, the answers in order."""
    return subprocess.run(
        f"parallel --pipe --keep-order --block 100k {shlex.quote(shlex.join(command))} < {shlex.quote(str(text))}",
        shell=True, stdout=subprocess.PIPE, check=True).stdout


def piped(spark, command, text):
    """The same by rdd.pipe, of lines that are text: one process a partition, the partitions in the file's order."""
    lines = spark.sparkContext.newAPIHadoopFile(
        text.as_uri(), "org.apache.hadoop.mapreduce.lib.input.TextInputFormat", "org.apache.hadoop.io.LongWritable",
        "org.apache.hadoop.io.Text",
        # A line ends with a line feed alone, as it does for the tool; textFile would end one at a CR, too.
        conf={"textinputformat.record.delimiter": "\n",
              "mapreduce.input.fileinputformat.split.maxsize": str(text.stat().st_size // 4 + 1)}).values()
    # pipe gives an environment of nothing where it is given none; without checkCode a tool that fails is no error.
    answers = lines.pipe(shlex.join(command), env={"PATH": os.environ["PATH"]}, checkCode=True)
    return "".join(answer + "\n" for answer in answers.collect()).encode()


def column(command):
    """A function of a column: one process a task, whichever batches Arrow makes."""

    @pandas_udf("string")
    def answers(batches: Iterator[pd.Series]) -> Iterator[pd.Series]:
        with Lines(command) as lines:
            for batch in batches:
                yield pd.Series(lines.ask(batch), dtype="object")

    return answers


def start(master):
    # PyPI's pyspark knows where it lies, and the workers of a local cluster must know it, too.
    os.environ.setdefault("SPARK_HOME", os.path.dirname(pyspark.__file__))
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    return (
        SparkSession.builder.master(master).appName("majortom")
        .config("spark.ui.enabled", "false").config("spark.ui.showConsoleProgress", "false")
        .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.submit.pyFiles", str(here / "lines.py"))
        .config("spark.executorEnv.PYTHONPATH", str(here))
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "500")
        .getOrCreate())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool", type=lambda path: str(pathlib.Path(path).resolve()))
    parser.add_argument("folder", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--master", default="local-cluster[2,1,1024]", help="default: two workers of one core and 1 GiB")
    given = parser.parse_args()
    text, parquet = given.folder / "text.txt", given.folder / "text.parquet"
    spark = start(given.master)
    spark.sparkContext.setLogLevel("ERROR")

    # Bytes in Parquet, so that what is no UTF-8 comes to the tool as it is; with its place, as rows have no order.
    raw = text.read_bytes().split(b"\n")[:-1]
    spark.createDataFrame(
        [(number, bytearray(line)) for number, line in enumerate(raw)], "place long, line binary"
    ).repartition(4).write.mode("overwrite").parquet(str(parquet))
    rows = spark.read.parquet(str(parquet))
    # pipe is for text: a Python string has no room for bytes that are none.
    clean = given.folder / "clean.txt"
    clean.write_bytes(b"".join(line.decode(errors="replace").encode() + b"\n" for line in raw))

    wrong = 0
    for name, command in commands(given.tool, given.folder / "models").items():
        command = command + ["--keep-going"]
        expected, expected_clean = plain(command, text), plain(command, clean)
        (given.folder / f"{name}.plain").write_bytes(expected)

        found = rows.select("place", column(command)("line").alias("answer")).collect()
        by_udf = "".join(row.answer + "\n" for row in sorted(found)).encode()

        for way, made, wanted in (
            ("pandas UDF over Parquet", by_udf, expected),
            ("rdd.pipe", piped(spark, command, clean), expected_clean),
            ("GNU parallel", parallel(command, text), expected),
        ):
            same = made == wanted
            wrong += not same
            (given.folder / f"{name}.{way.split()[0]}").write_bytes(made)
            print(f"{name}, {way}: {len(raw):,} lines, {len(made):,} bytes, {'the same' if same else 'DIFFERENT'}", flush=True)
    spark.stop()
    if wrong:
        sys.exit(f"{wrong} outputs differ from the plain run's: see {given.folder}")


if __name__ == "__main__":
    main()
