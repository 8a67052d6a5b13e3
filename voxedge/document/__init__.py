"""PURE. What was read: Document > Section > Paragraph > Sentence > Word."""
