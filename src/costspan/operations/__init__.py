"""What a platform engineer takes: Collector configs, alert rules, dashboards, and rules made from a budgets file."""
