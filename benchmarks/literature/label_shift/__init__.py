"""Label-shift correction on MNIST, after Alexandari, Kundaje, Shrikumar (ICML 2020): a table that is a program."""
