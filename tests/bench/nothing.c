/* SPDX-License-Identifier: ISC */
/* The command that all are asked to run: it costs as little as a process can. */
int main(void)
{
    return 0;
}
