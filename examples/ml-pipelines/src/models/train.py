# Databricks notebook source
# MAGIC %md
# MAGIC # Train the churn model
# MAGIC Runs in every tier on that tier's own data, and registers into that tier's own catalog.

# COMMAND ----------

import mlflow
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

catalog = dbutils.widgets.get("catalog")
source = dbutils.widgets.get("source")
max_depth = int(dbutils.widgets.get("max_depth"))
rounds = int(dbutils.widgets.get("rounds"))

# A workspace experiment: the folder of the release is write-once, so a notebook experiment has no place in it.
mlflow.set_experiment(dbutils.widgets.get("experiment"))
mlflow.set_registry_uri("databricks-uc")

# COMMAND ----------

features = spark.table(f"{catalog}.gold.customer_features")
labels = spark.table(f"{source}.churned").select("customer_id", "churned")
frame = features.join(labels, "customer_id").toPandas()

X = frame.drop(columns=["customer_id", "churned"])
X_train, X_test, y_train, y_test = train_test_split(X, frame["churned"], test_size=0.25, random_state=7)

# COMMAND ----------

with mlflow.start_run():
    model = GradientBoostingClassifier(max_depth=max_depth, n_estimators=rounds)
    model.fit(X_train, y_train)
    auc = roc_auc_score(y_test, model.predict_proba(X_test)[:, 1])
    mlflow.log_params({"max_depth": max_depth, "rounds": rounds})
    mlflow.log_metric("auc", auc)
    mlflow.sklearn.log_model(
        model,
        name="model",
        input_example=X_train.head(3),
        registered_model_name=f"{catalog}.gold.churn",
    )

dbutils.notebook.exit(f"auc={auc:.3f}")
