/* nosymbol.c - a shared object that is no module. */
int hf_test_something_else(void);

int
hf_test_something_else(void)
{
    return 0;
}
