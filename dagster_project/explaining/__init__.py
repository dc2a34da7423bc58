"""What a person is told of one customer on one day: who they are, each class with its reason, the plan, the history.

Reads an open serving copy, which holds no personal data, and gives plain text in either language. Which rule decided is
said by the table customer_reasons; here it is only put into words. How the text looks on a terminal is not known here.
"""
