"""Any lock maker's cloud that offers the contract of docs/drivers/lock-cloud.md."""
