place(2)
keep(ARGV[1])
return 1
