"""Scores every customer with this tier's champion model: the entry point `score` of the wheel."""

import argparse


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--catalog", required=True)
    catalog = parser.parse_args().catalog

    import mlflow
    from pyspark.sql import SparkSession
    from pyspark.sql import functions as F

    spark = SparkSession.builder.getOrCreate()
    mlflow.set_registry_uri("databricks-uc")
    churn = mlflow.pyfunc.spark_udf(spark, f"models:/{catalog}.gold.churn@champion")
    features = spark.table(f"{catalog}.gold.customer_features")
    columns = [column for column in features.columns if column != "customer_id"]
    (
        features.withColumn("score", churn(F.struct(*columns)))
        .withColumn("scored_at", F.current_timestamp())
        .write.mode("overwrite")
        .saveAsTable(f"{catalog}.gold.scores")
    )
