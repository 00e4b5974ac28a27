"""What an operator sees of a running server: metrics, traces, and which request woke a visit.

All of it is wrapped around the house's seams by the composition; the engine, the API and the
drivers know nothing of it. Nothing here ever sees or tells a PIN.
"""
