import gc

# Imports and thousands of collected tests are objects that stay. To look through them again and again for garbage took
# a third of the time of collecting.
gc.set_threshold(100_000, 50, 50)
