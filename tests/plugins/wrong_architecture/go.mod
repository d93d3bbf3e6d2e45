module example.com/wrong_architecture

go 1.24
