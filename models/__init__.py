"""Online models: detectors, forecasters and affinity learners under one contract."""
