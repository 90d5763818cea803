"""Events as they landed: one row a JSON document, nothing thrown away."""

from pyspark import pipelines as dp
from pyspark.sql import functions as F

LANDING = spark.conf.get("churn.landing")


@dp.table(name="events", comment="Customer events as they landed.")
def events():
    return (
        spark.readStream.format("cloudFiles")
        .option("cloudFiles.format", "json")
        .option("cloudFiles.inferColumnTypes", "true")
        .load(LANDING)
        .withColumn("_file", F.col("_metadata.file_path"))
        .withColumn("_landed_at", F.current_timestamp())
    )
