-- Databricks notebook source
-- Fails on the first statement that does not hold.
DECLARE OR REPLACE VARIABLE features STRING DEFAULT :catalog || '.gold.customer_features';

-- COMMAND ----------

SELECT ASSERT_TRUE(COUNT(*) > 0, 'gold.customer_features is empty') FROM IDENTIFIER(features);

-- COMMAND ----------

SELECT ASSERT_TRUE(COUNT(*) = COUNT(DISTINCT customer_id), 'a customer has two rows') FROM IDENTIFIER(features);
