"""Customer Strata (客户分层): who each customer is, on any day, and which silent ones are worth waking."""

__version__ = "0.1.0"
