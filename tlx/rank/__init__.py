"""Pretrained networks as they are: features taken once, and transferability scores that rank them."""
