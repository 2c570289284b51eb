"""Steps ④ and ⑤: the signed string, the signatures, the checks in their order."""
