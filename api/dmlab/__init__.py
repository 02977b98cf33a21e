"""The addresses under /dmlabapi/ of GSU's Data Mining Lab, for programs that were written for them."""
