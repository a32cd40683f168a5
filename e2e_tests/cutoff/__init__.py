"""A region cut off: Kafka is away for hours by the clock, people go on passing, and devices keep what nobody takes."""
