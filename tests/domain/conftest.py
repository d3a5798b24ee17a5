from hypothesis import HealthCheck, settings

# A busy machine is slow, not wrong: examples have no deadline.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
