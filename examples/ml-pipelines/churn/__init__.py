"""Batch scoring of churn."""
