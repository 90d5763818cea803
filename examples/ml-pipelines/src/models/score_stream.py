"""Scores new events as they arrive."""

import argparse

import mlflow
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

parser = argparse.ArgumentParser()
parser.add_argument("--catalog", required=True)
parser.add_argument("--source", required=True)
arguments = parser.parse_args()

spark = SparkSession.builder.getOrCreate()
mlflow.set_registry_uri("databricks-uc")
churn = mlflow.pyfunc.spark_udf(spark, f"models:/{arguments.catalog}.gold.churn@champion")
features = spark.table(f"{arguments.catalog}.gold.customer_features")

(
    spark.readStream.table(f"{arguments.source}.events")
    .select("customer_id")
    .join(features, "customer_id")
    .withColumn("score", churn(F.struct(*[c for c in features.columns if c != "customer_id"])))
    .writeStream.option("checkpointLocation", f"/Volumes/{arguments.catalog}/gold/checkpoints/score_stream")
    .trigger(availableNow=True)
    .toTable(f"{arguments.catalog}.gold.scores_live")
    .awaitTermination()
)
