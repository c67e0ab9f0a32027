"""What administers a server, below `/_fakeflowdock/`: for languages that do not have the fake in their hands."""
