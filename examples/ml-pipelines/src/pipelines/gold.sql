-- What the model eats: one row a customer. Reads silver where the tier's source catalog has it, writes only gold.
CREATE OR REFRESH MATERIALIZED VIEW gold.customer_features
COMMENT 'Churn features, one row a customer.'
AS SELECT
  customer_id,
  COUNT(*) AS events_90d,
  SUM(amount) AS spend_90d,
  DATEDIFF(CURRENT_DATE(), MAX(happened_at)) AS days_since_last_event,
  COUNT_IF(kind = 'complaint') AS complaints_90d
FROM ${churn.source}.events
WHERE happened_at >= CURRENT_DATE() - INTERVAL 90 DAYS
GROUP BY customer_id;
