-- One row an event, typed and deduplicated; a row that breaks a rule stays in bronze.
CREATE OR REFRESH STREAMING TABLE silver.events (
  CONSTRAINT known_customer EXPECT (customer_id IS NOT NULL) ON VIOLATION DROP ROW,
  CONSTRAINT has_time EXPECT (happened_at IS NOT NULL) ON VIOLATION DROP ROW
)
COMMENT 'Customer events, typed.'
AS SELECT
  CAST(customer_id AS BIGINT) AS customer_id,
  CAST(happened_at AS TIMESTAMP) AS happened_at,
  LOWER(kind) AS kind,
  CAST(amount AS DECIMAL(12, 2)) AS amount
FROM STREAM(bronze.events);
