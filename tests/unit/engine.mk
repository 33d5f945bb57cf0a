# Tests of core/engine.

HF_ENGINE_TEST_LIBS = $(UNIT_LIB) $(HF_ENGINE_LIBS) $(CUNIT_LIBS)

POOL_BENCH_SOURCES = %D%/pool-bench.c %D%/pool-bench.h %D%/audit-lb.c %D%/audit-lb.h
UNIT_TESTS += %D%/test-pool %D%/test-pool-admission %D%/test-pool-endpoints %D%/test-pool-figures \
    %D%/test-pool-model %D%/test-pool-threads
THREAD_TESTS += %D%/test-pool-threads
%C%_test_pool_SOURCES = %D%/test-pool.c $(POOL_BENCH_SOURCES)
%C%_test_pool_LDADD = $(HF_ENGINE_TEST_LIBS)
%C%_test_pool_endpoints_SOURCES = %D%/test-pool-endpoints.c $(POOL_BENCH_SOURCES)
%C%_test_pool_endpoints_LDADD = $(HF_ENGINE_TEST_LIBS)
%C%_test_pool_admission_SOURCES = %D%/test-pool-admission.c %D%/audit-lb.c %D%/audit-lb.h
%C%_test_pool_admission_LDADD = $(HF_ENGINE_TEST_LIBS)
%C%_test_pool_figures_SOURCES = %D%/test-pool-figures.c
%C%_test_pool_figures_LDADD = $(HF_ENGINE_TEST_LIBS)
%C%_test_pool_model_SOURCES = %D%/test-pool-model.c %D%/audit-lb.c %D%/audit-lb.h
%C%_test_pool_model_LDADD = $(HF_ENGINE_TEST_LIBS)
%C%_test_pool_threads_SOURCES = %D%/test-pool-threads.c %D%/audit-lb.c %D%/audit-lb.h
%C%_test_pool_threads_LDADD = $(HF_ENGINE_TEST_LIBS)

SIM_LEAF_SOURCES = %D%/sim-leaf.c %D%/sim-leaf.h %D%/sim-policies.c %D%/audit-lb.c %D%/audit-lb.h
UNIT_TESTS += %D%/test-autoscale %D%/test-autoscale-changes %D%/test-autoscale-limit \
    %D%/test-autoscale-policies \
    %D%/test-autoscale-random %D%/test-autoscale-unreachable %D%/test-fleet
%C%_test_fleet_SOURCES = %D%/test-fleet.c
%C%_test_fleet_LDADD = $(HF_ENGINE_TEST_LIBS)
%C%_test_autoscale_SOURCES = %D%/test-autoscale.c $(SIM_LEAF_SOURCES)
%C%_test_autoscale_LDADD = $(HF_ENGINE_TEST_LIBS)
%C%_test_autoscale_changes_SOURCES = %D%/test-autoscale-changes.c $(SIM_LEAF_SOURCES)
%C%_test_autoscale_changes_LDADD = $(HF_ENGINE_TEST_LIBS)
%C%_test_autoscale_limit_SOURCES = %D%/test-autoscale-limit.c $(SIM_LEAF_SOURCES)
%C%_test_autoscale_limit_LDADD = $(HF_ENGINE_TEST_LIBS)
%C%_test_autoscale_policies_SOURCES = %D%/test-autoscale-policies.c $(SIM_LEAF_SOURCES)
%C%_test_autoscale_policies_LDADD = $(HF_ENGINE_TEST_LIBS)
%C%_test_autoscale_random_SOURCES = %D%/test-autoscale-random.c $(SIM_LEAF_SOURCES)
%C%_test_autoscale_random_LDADD = $(HF_ENGINE_TEST_LIBS)
%C%_test_autoscale_unreachable_SOURCES = %D%/test-autoscale-unreachable.c $(SIM_LEAF_SOURCES)
%C%_test_autoscale_unreachable_LDADD = $(HF_ENGINE_TEST_LIBS)

UNIT_TESTS += %D%/test-tree %D%/test-tree-model
%C%_test_tree_SOURCES = %D%/test-tree.c
%C%_test_tree_LDADD = $(HF_ENGINE_TEST_LIBS)
%C%_test_tree_model_SOURCES = %D%/test-tree-model.c
%C%_test_tree_model_LDADD = $(HF_ENGINE_TEST_LIBS)

# Policies, loaded by the real loader from the build tree.
HF_POLICY_TEST_LIBS = $(UNIT_LIB) $(HF_ENGINE_LIBS) $(HF_PLUGIN_LIBS) $(CUNIT_LIBS)

UNIT_TESTS += %D%/test-lb %D%/test-scaler %D%/test-scheduler %D%/test-scheduler-rules
%C%_test_lb_SOURCES = %D%/test-lb.c %D%/contract.c %D%/contract.h
%C%_test_lb_LDADD = $(HF_POLICY_TEST_LIBS)
%C%_test_scaler_SOURCES = %D%/test-scaler.c %D%/contract.c %D%/contract.h
%C%_test_scaler_LDADD = $(HF_POLICY_TEST_LIBS)
%C%_test_scheduler_SOURCES = %D%/test-scheduler.c %D%/contract.c %D%/contract.h
%C%_test_scheduler_LDADD = $(HF_POLICY_TEST_LIBS)
%C%_test_scheduler_rules_SOURCES = %D%/test-scheduler-rules.c %D%/contract.c %D%/contract.h
%C%_test_scheduler_rules_LDADD = $(HF_POLICY_TEST_LIBS)
UNIT_TESTS += %D%/test-policy-headers
%C%_test_policy_headers_SOURCES = %D%/test-policy-headers.c
%C%_test_policy_headers_LDADD = $(UNIT_LIBS) -lm
UNIT_TESTS += %D%/test-lb-rules
%C%_test_lb_rules_SOURCES = %D%/test-lb-rules.c %D%/contract.c %D%/contract.h
%C%_test_lb_rules_LDADD = $(HF_POLICY_TEST_LIBS)
