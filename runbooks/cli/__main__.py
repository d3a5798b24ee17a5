from runbooks.cli.main import main

main()
